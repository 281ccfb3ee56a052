import { describe, expect, test } from '@jest/globals';
import { limitUnit, storedPrefix } from './address.ts';

describe('addresses', () => {
  test('an IPv4 address is its own limit unit and is stored as its /24', () => {
    expect(limitUnit('203.0.113.77')).toBe('203.0.113.77');
    expect(storedPrefix('203.0.113.77')).toBe('203.0.113.0/24');
  });

  test('two addresses of one IPv6 /64 are one limit unit, in every spelling', () => {
    const unit = limitUnit('2001:db8:1:2::1');
    expect(limitUnit('2001:0DB8:0001:0002:ffff:ffff:ffff:ffff')).toBe(unit);
    expect(limitUnit('2001:db8:1:2:0:0:192.0.2.1')).toBe(unit);
    expect(limitUnit('2001:db8:1:3::1')).not.toBe(unit);
    expect(storedPrefix('2001:db8:1:2::1')).toBe('2001:db8:1::/48');
  });

  test('an IPv4-mapped IPv6 address counts as its IPv4 address', () => {
    expect(limitUnit('::ffff:203.0.113.77')).toBe('203.0.113.77');
  });

  test('what is no address shares one unit instead of escaping the limits', () => {
    expect(limitUnit('nonsense')).toBe('0.0.0.0');
  });
});
