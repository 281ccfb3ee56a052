import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { settle } from '../support/client.ts';
import type { Clients, Settled } from '../support/client.ts';
import { newAddress, newNumber, prove } from '../support/person.ts';
import { freshStores } from '../support/stores.ts';
import { openProxy } from './tcp-proxy.ts';
import type { TcpProxy } from './tcp-proxy.ts';

/** Calls whose answers must not depend on whether the number has an account. */
type Attempt = (auth: Clients['auth'], phoneNumber: string) => Promise<Settled<unknown>>;

let app: TestApp;
let proxies: TcpProxy[];
/** What the service asks without being called: the revocation feed, jobs, its own health. */
const BY_ITSELF = /^(session\.select_revocations|platform\.ping|jobs\.|token\.)/;

/** What it asked of its stores otherwise, in order. */
let work: string[] = [];

beforeAll(async () => {
  const stores = await freshStores();
  const redis = await openProxy(Number(stores['REDIS_PORT']), noteScripts);
  const postgres = await openProxy(Number(stores['DB_PORT']), noteStatements);
  proxies = [redis, postgres];
  const settings = { ...stores, REDIS_PORT: String(redis.port), DB_PORT: String(postgres.port) };
  app = await startApp(settings);
});
afterAll(async () => {
  await app.stop();
  for (const proxy of proxies) await proxy.close();
});

/** Names of prepared statements and the ends of transactions (protocol 3.0, "Message Formats"). */
function noteStatements(chunk: Buffer): void {
  for (let at = 0; at + 5 <= chunk.length; at += 1 + chunk.readUInt32BE(at + 1)) {
    const type = String.fromCharCode(chunk[at] ?? 0);
    const text = chunk.toString('latin1', at + 5, at + 1 + chunk.readUInt32BE(at + 1));
    const name = type === 'B' ? text.split('\0')[1] : /^(BEGIN|COMMIT|ROLLBACK)/.exec(text)?.[0];
    if (name && !BY_ITSELF.test(name)) work.push(name);
  }
}

/** Digests of scripts, in the order in which Redis runs them. */
function noteScripts(chunk: Buffer): void {
  for (const [, sha = ''] of chunk.toString('latin1').matchAll(/evalsha\r\n\$40\r\n(\w{40})/gi)) {
    work.push(sha);
  }
}

async function registered(): Promise<string> {
  const { phone, verificationId } = await prove(app, 'register');
  await app.clients.auth.register({ verificationId, deviceId: randomUUID(), deviceType: 'ios' });
  await forgetAttempts();
  return phone;
}

async function forgetAttempts(): Promise<void> {
  await app.sql('DELETE FROM phone_attempts');
  await app.sql('DELETE FROM phone_counters');
}

const ATTEMPTS: readonly (readonly [string, Attempt])[] = [
  [
    'a request for a login code',
    (auth, phoneNumber) => settle(auth.requestLoginVerification({ phoneNumber })),
  ],
  [
    'a request for a registration code',
    (auth, phoneNumber) => settle(auth.requestRegisterVerification({ phoneNumber })),
  ],
  ['a wrong login code', (auth, phone) => miss(auth, phone, 1)],
  ['the login code missed for the sixth time', (auth, phone) => miss(auth, phone, 6)],
  ['a login with a code that was not entered', logInUnproven],
  [
    'a second request within the cool-down',
    async (auth, phoneNumber) => {
      await auth.requestLoginVerification({ phoneNumber });
      return settle(auth.requestLoginVerification({ phoneNumber }));
    },
  ],
  [
    'a request beyond the cap of the address',
    async (auth, phoneNumber) => {
      for (let sent = 0; sent < 3; sent += 1) {
        await auth.requestLoginVerification({ phoneNumber });
        await app.sql(`UPDATE phone_attempts SET created_at = created_at - interval '6 minutes'`);
      }
      return settle(auth.requestLoginVerification({ phoneNumber }));
    },
  ],
  [
    'a request for a number that failed a hundred times',
    async (auth, phoneNumber) => {
      await auth.requestLoginVerification({ phoneNumber });
      await app.sql('UPDATE phone_counters SET failures = 100');
      await app.sql(`UPDATE phone_attempts SET created_at = created_at - interval '2 hours'`);
      return settle(auth.requestLoginVerification({ phoneNumber }));
    },
  ],
];

// OWASP WSTG-IDNT-04, CWE-204: lists of users made from what services answer to strangers.
describe.each(ATTEMPTS)('%s', (_name, attempt) => {
  test('is answered alike whether the number has an account or not, after the same work', async () => {
    const seen = [];
    for (const phone of [await registered(), newNumber(), await registered(), newNumber()]) {
      await forgetAttempts();
      work = [];
      const answer = await attempt(app.clientsAt(newAddress()).auth, phone);
      seen.push({ answer: shapeOf(answer), work });
    }
    const [known, unknown, ...again] = seen;
    expect(known).toEqual(unknown);
    expect(again).toEqual([known, unknown]);
    expect(work.length).toBeGreaterThan(2);
  });
});

test('one commit more for one of them would be seen: this test has that power', async () => {
  const workFor = async (extra: string) => {
    await forgetAttempts();
    work = [];
    await app.sql(extra);
    await app.clientsAt(newAddress()).auth.requestLoginVerification({ phoneNumber: newNumber() });
    return work;
  };
  const plain = await workFor('SELECT 1');
  expect(await workFor('BEGIN; COMMIT')).toEqual(['BEGIN', ...plain]);
});

test('an account is told of only to whoever proved the number', async () => {
  const phone = await registered();
  for (const [number, purpose, reason] of [
    [phone, 'register', 'ACCOUNT_EXISTS'],
    [newNumber(), 'login', 'ACCOUNT_NOT_FOUND'],
  ] as const) {
    const { verificationId } = await prove(app, purpose, { phone: number });
    const entry = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
    const { auth } = app.clients;
    const call = purpose === 'register' ? auth.register(entry) : auth.login(entry);
    const outcome = await settle<unknown>(call);
    expect(outcome.status === 'refused' && outcome.refusal.reason).toBe(reason);
  }
});

async function miss(auth: Clients['auth'], phoneNumber: string, times: number) {
  const { verificationId } = await auth.requestLoginVerification({ phoneNumber });
  const code = app.inbox.codeFor(phoneNumber) === '000000' ? '000001' : '000000';
  const attempt = () => settle<unknown>(auth.confirmLoginVerification({ verificationId, code }));
  for (let missed = 1; missed < times; missed += 1) await attempt();
  return attempt();
}

async function logInUnproven(auth: Clients['auth'], phoneNumber: string) {
  const { verificationId } = await auth.requestLoginVerification({ phoneNumber });
  const device = { verificationId, deviceId: randomUUID(), deviceType: 'ios' };
  return settle<unknown>(auth.login(device));
}

/** All that a caller sees but ids. */
function shapeOf(outcome: Settled<unknown>): unknown {
  if (outcome.status === 'refused') {
    const { code, reason, message, metadata, fields, retryDelayMs } = outcome.refusal;
    const retrySeconds = retryDelayMs === undefined ? undefined : Math.ceil(retryDelayMs / 10_000);
    return { code, reason, message, metadata, fields, retrySeconds };
  }
  const fields = Object.entries(outcome.value ?? {});
  return fields.filter(([name]) => name !== 'verificationId' && !name.startsWith('$'));
}
