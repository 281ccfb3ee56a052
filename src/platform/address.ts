import { isIP, isIPv4 } from 'node:net';

/**
 * The unit in which addresses are limited: one IPv4 address, or an IPv6 /64 (a subscriber gets at
 * least that, so single IPv6 addresses cost nothing). IPv4-mapped IPv6 counts as IPv4.
 */
export function limitUnit(address: string): string {
  const plain = unmapped(address);
  if (isIPv4(plain)) return plain;
  return `${groupsOf(plain).slice(0, 4).join(':')}::/64`;
}

/** The prefix that may be stored and shown: /24 for IPv4, /48 for IPv6, as a PostgreSQL `cidr`. */
export function storedPrefix(address: string): string {
  const plain = unmapped(address);
  if (isIPv4(plain)) return `${plain.split('.').slice(0, 3).join('.')}.0/24`;
  return `${groupsOf(plain).slice(0, 3).join(':')}::/48`;
}

function unmapped(address: string): string {
  const bare = address.split('%', 1)[0] ?? address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  const plain = mapped ?? bare;
  return isIP(plain) ? plain : '0.0.0.0';
}

/** The eight groups of an IPv6 address, `::` expanded, in the URL standard's hexadecimal form. */
function groupsOf(address: string): string[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...gap, ...right];
}
