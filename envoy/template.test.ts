import { describe, expect, it } from '@jest/globals';
import { fillTemplate } from './template.ts';

describe('a configuration template', () => {
  it('refuses a place that nobody fills', () => {
    expect(() => fillTemplate('envoy.yaml', {})).toThrow('nothing is known of ${adminHost}');
  });

  it('refuses a value that has no place', () => {
    expect(() => fillTemplate('../buf.yaml', { listenPort: 1 })).toThrow('no place for listenPort');
  });
});
