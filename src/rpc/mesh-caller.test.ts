import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { meshCaller } from './mesh-caller.ts';

const SIDECAR = 'By=spiffe://td/ns/a/sa/auth;Hash=0f;Subject="";URI=spiffe://td/ns/a/sa/caller';
const CALLER = 'spiffe://td/ns/a/sa/caller';

describe('the mesh caller', () => {
  test('is the URI of the last element', () => {
    expect(meshCaller(SIDECAR)).toBe(CALLER);
    expect(meshCaller(`By=x;URI=spiffe://td/evil,${SIDECAR}`)).toBe(CALLER);
    expect(meshCaller(`By=x;URI=spiffe://td/evil, ${SIDECAR}`)).toBe(CALLER);
    expect(meshCaller(`By=x;Subject="CN=a,O=b;c",${SIDECAR}`)).toBe(CALLER);
    expect(meshCaller('URI="spiffe://td/quoted"')).toBe('spiffe://td/quoted');
  });

  test.each([
    '',
    ',',
    'nonsense',
    'By=a;Hash=b',
    'URI=a;URI=b',
    'URI=a;',
    'URI=a,',
    'Subject="open;URI=a',
    'Subject="a"b;URI=a',
    'Subject="a\\";URI=b"',
    'Other=1;URI=a',
    `URI=a;Chain="${'x'.repeat(20_000)}"`,
  ])('is unknown for %j', (header) => {
    expect(meshCaller(header)).toBeUndefined();
  });

  test('is never what a client put in front of the sidecar’s element', () => {
    const piece = fc.constantFrom(
      'URI=spiffe://td/evil',
      'By=a',
      'Subject="',
      '"',
      '\\"',
      ';',
      ',',
      '=',
      'x',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const found = meshCaller(`${pieces.join('')},${SIDECAR}`);
        expect([undefined, CALLER]).toContain(found);
      }),
      { numRuns: 3_000 },
    );
  });
});
