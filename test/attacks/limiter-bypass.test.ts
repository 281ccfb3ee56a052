import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { countReasons, refusalOf, settle, together } from '../support/client.ts';
import { newAddress, newNumber } from '../support/person.ts';
import { newClient, startRest } from '../rest/rest.ts';
import type { Rest } from '../rest/rest.ts';

const CALLERS = 64;
const NUMBERS_PER_ADDRESS = 10;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

function askFrom(address: string, phoneNumber = newNumber()) {
  return app.clientsAt(address).auth.requestRegisterVerification({ phoneNumber });
}

// Limits keyed by the text of a number: +33612… and +33 (6) 12… were two keys with a counter each.
describe('spellings of a number', () => {
  test.each([
    ['spaces', (n: string) => `${n.slice(0, 3)} ${n.slice(3)}`],
    ['dots', (n: string) => `${n.slice(0, 5)}.${n.slice(5)}`],
    ['no-break spaces', (n: string) => `${n.slice(0, 3)}\u00a0${n.slice(3)}`],
    ['tabs and line ends', (n: string) => `${n.slice(0, 3)}\t\r\n${n.slice(3)}`],
    ['en dashes', (n: string) => `${n.slice(0, 5)}\u2013${n.slice(5)}`],
    ['brackets around nothing', (n: string) => `${n}()`],
    ['a trunk zero', (n: string) => `${n.slice(0, 3)}0${n.slice(3)}`],
    ['a trunk zero in brackets', (n: string) => `${n.slice(0, 3)} (0) ${n.slice(3)}`],
    ['full-width digits', fullWidth],
    [
      'Arabic digits',
      (n: string) => n.replace(/\d/g, (d) => String.fromCharCode(0x660 + Number(d))),
    ],
    ['a full-width plus', (n: string) => `\uff0b${n.slice(1)}`],
    ['two zeros for the plus', (n: string) => `00${n.slice(1)}`],
    ['an extension', (n: string) => `${n};ext=7`],
    ['a tel URI', (n: string) => `tel:${n}`],
    ['a zero-width space', (n: string) => `${n.slice(0, 5)}\u200b${n.slice(5)}`],
    ['a NUL', (n: string) => `${n}\u0000`],
    ['letters of a keypad', (n: string) => n.replaceAll('2', 'A')],
  ] as const)('are one number or none: %s', async (_name, written) => {
    const phone = newNumber();
    const address = newAddress();
    await askFrom(address, phone);
    const { reason } = await refusalOf(askFrom(address, written(phone)));
    expect(['RATE_LIMITED', 'NUMBER_REFUSED', 'VALIDATION_FAILED']).toContain(reason);
    expect(app.inbox.count(phone)).toBe(1);
  });

  test('used all at once still send one code', async () => {
    const phone = newNumber();
    const address = newAddress();
    const calls = await together(CALLERS, (index) => {
      const cut = 3 + (index % 9);
      const gap = [' ', '-', '.', '(', ')', '\u00a0'][index % 6] ?? ' ';
      return askFrom(address, `${phone.slice(0, cut)}${gap}${phone.slice(cut)}`);
    });
    expect(countReasons(calls)['OK']).toBe(1);
    expect(app.inbox.count(phone)).toBe(1);
  });
});

// Limits keyed by a whole IPv6 address: every subscriber has 2^64 of them.
describe('addresses of one subscriber', () => {
  test.each([
    ['random interface ids', (i: number) => `2001:db8:a:1:${hex(i)}:${hex(7 * i)}:${hex(i)}:1`],
    ['zeros written in different ways', (i: number) => ZEROS[i % ZEROS.length] ?? ''],
    [
      'upper and lower case',
      (i: number) => (i % 2 ? '2001:DB8:ABCD:EF::' : '2001:db8:abcd:ef::') + hex(i + 1),
    ],
    ['IPv4-mapped IPv6', (i: number) => (i % 2 ? '203.0.113.77' : '::ffff:203.0.113.77')],
  ] as const)('are one address: %s', async (_name, address) => {
    const calls = await together(CALLERS, (index) => askFrom(address(index)));
    const counts = countReasons(calls);
    expect(counts).toEqual({
      OK: NUMBERS_PER_ADDRESS,
      RATE_LIMITED: CALLERS - NUMBERS_PER_ADDRESS,
    });
  });

  test('are not those of the neighbour in the next /64', async () => {
    await together(CALLERS, (index) => askFrom(`2001:db8:b:1::${hex(index + 1)}`));
    await askFrom('2001:db8:b:2::1');
  });
});

// CVE class: the left-most X-Forwarded-For entry, or any header of the sort, taken for the client.
describe('headers that name another address', () => {
  const names = [
    'x-forwarded-for',
    'x-auth-client-ip',
    'x-real-ip',
    'true-client-ip',
    'cf-connecting-ip',
    'x-client-ip',
    'x-envoy-external-address',
  ];

  test('give nobody a fresh share through the real edge', async () => {
    const rest: Rest = await startRest();
    try {
      const from = newClient();
      const statuses: number[] = [];
      for (let index = 0; index < 30; index += 1) {
        const value = `203.0.113.${index + 1}`;
        const headers = Object.fromEntries(names.map((name) => [name, value]));
        const forwarded = { ...headers, forwarded: `for=${value};proto=https` };
        const path = '/auth/v1/verify/register/request';
        const json = { phoneNumber: newNumber() };
        const answer = await rest.send({ method: 'POST', path, json, from, headers: forwarded });
        statuses.push(answer.status);
      }
      expect(statuses.filter((status) => status === 200)).toHaveLength(NUMBERS_PER_ADDRESS);
      expect(statuses.filter((status) => status === 429)).toHaveLength(30 - NUMBERS_PER_ADDRESS);
    } finally {
      await rest.stop();
    }
  });

  test('mean nothing from a peer that is not the edge', async () => {
    const outside = await startApp({ TRUSTED_EDGE_CIDRS: '203.0.113.0/24' });
    const calls = await together(CALLERS, () => {
      const { auth } = outside.clientsAt(newAddress());
      return auth.requestRegisterVerification({ phoneNumber: newNumber() });
    });
    expect(countReasons(calls)['OK']).toBe(NUMBERS_PER_ADDRESS);
    await outside.stop();
  });

  test.each([
    '198.18.0.1, 198.18.0.2',
    'unknown',
    '',
    '198.18.0.1\t',
    '::ffff:1.2.3.4%eth0',
    '0x7f.1',
  ])('that are no one address count as the peer’s: %p', async (named) => {
    const outside = await settle(askFrom(named));
    if (outside.status === 'refused') expect(outside.refusal.reason).toBe('RATE_LIMITED');
  });
});

const ZEROS = [
  '2001:db8:c:0:0:0:0:1',
  '2001:db8:c::1',
  '2001:0db8:000c:0000:0000:0000:0000:0002',
  '2001:db8:c:0::3',
  '2001:db8:c::0.0.0.4',
];

function hex(value: number): string {
  return (value & 0xffff).toString(16);
}

function fullWidth(number: string): string {
  return number.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));
}
