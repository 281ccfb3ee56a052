import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { admitSend } from '../../src/fraud/admit.ts';
import type { GuardDeps } from '../../src/fraud/admit.ts';
import { Database } from '../../src/platform/postgres.ts';
import { DomainError } from '../../src/errors.ts';
import { countReasons, refusalOf, together } from '../support/client.ts';
import { newAddress, newNumber, registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { connectionAs } from '../support/postgres.ts';
import { eventually, startFragileApp } from '../support/private-stores.ts';
import type { FragileApp } from '../support/private-stores.ts';

let app: FragileApp;
let person: SignedIn;
let pool: pg.Pool;

beforeAll(async () => {
  app = await startFragileApp();
  person = await registerPerson(app);
  const { DB_PORT, DB_NAME = '' } = app.settings;
  pool = new pg.Pool(connectionAs('auth_app', Number(DB_PORT), DB_NAME));
  await app.valkey.stop();
  await eventually(
    () => app.clients.ops.getReadiness({}),
    ({ status }) => status === 'degraded',
  );
});
afterAll(async () => {
  await pool.end();
  await app.stop();
});

describe('without Redis a limit that is', () => {
  test('closed refuses the call, says when to come back and counts nothing', async () => {
    const { auth } = app.clientsAt(newAddress());
    const refusal = await refusalOf(auth.requestLoginVerification({ phoneNumber: newNumber() }));

    expect(refusal).toMatchObject({ reason: 'STORE_UNAVAILABLE', code: 14 });
    expect(refusal.retryDelayMs).toBeGreaterThan(0);
    expect(refusal.error.metadata.has('ratelimit')).toBe(false);
    expect(await app.sql('SELECT id FROM fraud_sends')).toHaveLength(1);
  });

  test('local is counted by the process: 200 predecessors in parallel, and not one more', async () => {
    const { refreshToken } = person;
    await app.clients.auth.refreshTokens({ refreshToken });
    const outcomes = await together(264, () => app.clients.auth.refreshTokens({ refreshToken }));

    expect(countReasons(outcomes)).toEqual({ OK: 200, RATE_LIMITED: 64 });
    const refused = await refusalOf(app.clients.auth.refreshTokens({ refreshToken }));
    expect(refused.error.metadata.get('ratelimit')).toMatch(
      /^"predecessors_per_session";r=0;t=([12]?\d|30)$/,
    );
  });

  test('of PostgreSQL holds as ever: 64 parallel sends never exceed a budget', async () => {
    const deps = guardDeps();
    const reasons = await Promise.all(
      Array.from({ length: 64 }, (_, index) => reasonOf(admitSend(deps, sendOf(index), STRANGER))),
    );

    expect(reasons.filter((reason) => reason === 'OK')).toHaveLength(7);
    expect(reasons.filter((reason) => reason === 'RATE_LIMITED')).toHaveLength(57);
  });
});

/** The domain's own answer: no call comes this far without Redis. */
async function reasonOf(work: Promise<void>): Promise<string> {
  try {
    await work;
    return 'OK';
  } catch (error) {
    return error instanceof DomainError ? error.reason : String(error);
  }
}

const STRANGER = {
  origin: { requestId: 'a-request', addressUnit: '198.51.100.1', ipPrefix: '198.51.100.0/24' },
  acquaintance: () => Promise.resolve({ isOwnAccount: false, isKnownAddress: false }),
};

/** Ten messages a day to a country, three of them kept. */
function guardDeps(): GuardDeps {
  return {
    db: new Database(pool, { prepared: true }),
    fraudMeter: { decided: () => undefined },
    fraudPolicy: {
      mode: 'deny',
      reserveFor: 'accounts',
      prefixTailDigits: 4,
      priceOf: () => 10,
      spendPerDay: () => 100,
      thresholds: {
        windowSeconds: 600,
        minSends: 1_000,
        minConversionPercent: 20,
        share: 5,
        blockSeconds: 3_600,
        blockMaxSeconds: 86_400,
        sendsPerHour: 1_000,
        reservePercent: 30,
      },
    },
  };
}

function sendOf(index: number) {
  return {
    sendId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    country: 'BE',
    prefix: `+32470${index}`,
    numberKind: 'MOBILE',
    purpose: 'register',
    phoneKey: Buffer.from([index]),
    addressKey: Buffer.from([index]),
  };
}
