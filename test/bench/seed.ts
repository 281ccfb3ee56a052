import { loadConfig } from '../../src/config.ts';
import { openContext } from '../../src/context.ts';
import type { Context } from '../../src/context.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { sql } from '../../src/platform/postgres.ts';
import { Stopper } from '../../src/platform/stop.ts';
import { mintTokens } from '../../src/session/open.ts';
import { mintAccessToken } from '../../src/token/access-token.ts';
import { sealSecret } from '../../src/two-factor/secret.ts';
import { newTotpSecret } from '../../src/two-factor/totp.ts';
import type { GuardedPerson, Person, Seeds } from './load/messages.ts';

const REFRESHING = 2_000;
const SIGNING_IN = 3_000;
const GUARDED = 4_000;
const KNOWN_TOKENS = 1_000;
/** More than the 10,000 that the service remembers, so that going round meets none of them again. */
const NEW_TOKENS = 12_000;

type SeededRow = Parameters<typeof mintTokens>[1] & { phone: string };

/**
 * Accounts with a device and a session each, and tokens signed with the keys of the service, which
 * made them when it first started on these stores.
 */
export async function seed(environment: Readonly<Record<string, string>>): Promise<Seeds> {
  const config = loadConfig({ ...environment });
  const stopper = new Stopper();
  try {
    const context = await openContext(config, { logger: createLogger('silent') }, stopper);
    const rows = await context.db.query<SeededRow>(SEED, [REFRESHING + SIGNING_IN + GUARDED]);
    const [guarded, flooded] = halves(await guard(context, rows.slice(REFRESHING + SIGNING_IN)));
    return { ...tokensOf(context, rows.slice(0, REFRESHING + SIGNING_IN)), guarded, flooded };
  } finally {
    await stopper.stop();
  }
}

function halves<T>(items: readonly T[]): [T[], T[]] {
  const middle = items.length >> 1;
  return [items.slice(0, middle), items.slice(middle)];
}

/** Turns the second factor on: the secrets are sealed with the service's own key. */
async function guard(context: Context, rows: readonly SeededRow[]): Promise<GuardedPerson[]> {
  const secrets = rows.map(() => newTotpSecret());
  const sealed = rows.map(({ accountId }, index) =>
    JSON.stringify(sealSecret(context, accountId, { text: secrets[index] ?? '', state: 'on' })),
  );
  await context.db.query(GUARD, [rows.map(({ accountId }) => accountId), sealed]);
  return rows.map((row, index) => ({
    ...personOf(row, SIGNING_IN + index),
    secret: secrets[index] ?? '',
    accessToken: mintTokens(context, row).accessToken,
  }));
}

function tokensOf(
  context: Context,
  rows: readonly SeededRow[],
): Omit<Seeds, 'guarded' | 'flooded'> {
  const [first] = rows;
  if (first === undefined) throw new Error('Nothing was seeded');
  const subject = {
    ...first,
    sessionId: first.id,
    sessionEndsAtSeconds: Math.floor(first.absoluteEndsAtSeconds),
    authTimeSeconds: Math.floor(first.authTimeSeconds),
  };
  const accessTokens = (count: number) =>
    Array.from({ length: count }, () => mintAccessToken(context, subject).token);
  return {
    refreshTokens: rows.slice(0, REFRESHING).map((row) => mintTokens(context, row).refreshToken),
    knownTokens: accessTokens(KNOWN_TOKENS),
    newTokens: accessTokens(NEW_TOKENS),
    people: rows.slice(REFRESHING).map(personOf),
  };
}

/** Private addresses (RFC 1918), one a person, so that no address meets its limits. */
function personOf({ phone, deviceId }: SeededRow, index: number): Person {
  return { phone, deviceId, address: `10.${index >> 8}.${index & 255}.1` };
}

/**
 * +33 6 1 and +33 6 2 begin French mobile numbers, whatever follows in the right length. Neighbours
 * are more than 10,000 numbers apart: a block that sends faster than it enters codes looks pumped.
 */
const SEED = sql(
  'bench.seed',
  `WITH account AS (
     INSERT INTO users_auth (id, phone_number)
     SELECT gen_random_uuid(), '+336' || (10000000 + n * 10007::bigint % 19000000) FROM generate_series(1, $1::integer) AS n
     RETURNING id, phone_number),
   device AS (
     INSERT INTO devices (user_id, id, device_name, device_type, device_fingerprint, is_verified)
     SELECT id, gen_random_uuid(), 'bench', 'web', gen_random_uuid()::text, true FROM account
     RETURNING user_id, id),
   session AS (
     INSERT INTO sessions (id, user_id, device_id, amr, acr, ip_prefix, idle_expires_at, absolute_expires_at)
     SELECT gen_random_uuid(), user_id, id, ARRAY['sms'], 'phone', '127.0.0.0/24',
            now() + interval '30 days', now() + interval '180 days' FROM device
     RETURNING *)
   SELECT session.id, user_id AS "accountId", device_id AS "deviceId",
          refresh_counter AS "refreshCounter", amr AS methods, acr AS "contextClass",
          extract(epoch FROM auth_time)::float8 AS "authTimeSeconds",
          extract(epoch FROM idle_expires_at)::float8 AS "idleEndsAtSeconds",
          extract(epoch FROM absolute_expires_at)::float8 AS "absoluteEndsAtSeconds",
          account.phone_number AS phone
     FROM session JOIN account ON account.id = session.user_id`,
);

const GUARD = sql(
  'bench.guard',
  `WITH given AS (SELECT * FROM unnest($1::uuid[], $2::text[]) AS g (id, sealed)),
   secret AS (
     UPDATE users_auth u SET two_factor_secret = g.sealed::jsonb, two_factor_enabled = true
       FROM given g WHERE u.id = g.id)
   INSERT INTO two_factor_states (user_id, secret_id, enabled_at)
   SELECT id, gen_random_uuid(), now() FROM given`,
);
