import type { Origin } from '../audit/append.ts';
import type { E164 } from '../phone/number.ts';
import type { Familiarity } from '../phone/store.ts';
import type { Digest } from '../platform/digest.ts';
import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

/** What every row of the login history says of where it came from. */
export interface HistoryOrigin {
  readonly origin: Origin;
  readonly addressKey: Buffer;
}

export async function insertLoginSuccess(
  tx: Tx,
  entry: HistoryOrigin & { readonly accountId: string; readonly deviceId: string },
): Promise<void> {
  const { accountId, deviceId, origin, addressKey } = entry;
  await tx.query(INSERT_SUCCESS, [accountId, deviceId, origin.ipPrefix, addressKey]);
}

const INSERT_SUCCESS = sql(
  'entry.insert_login_success',
  `INSERT INTO login_history (user_id, device_id, ip_address, address_key, status)
   VALUES ($1, $2, $3, $4, 'success')`,
);

/** Records a wrong code if the number has an account, and goes on having one until this commits. */
export async function insertCodeFailure(
  tx: Tx,
  entry: HistoryOrigin & { readonly phone: E164; readonly reason: string },
): Promise<void> {
  const { phone, origin, addressKey, reason } = entry;
  await tx.query(INSERT_CODE_FAILURE, [phone, origin.ipPrefix, addressKey, reason]);
}

const INSERT_CODE_FAILURE = sql(
  'entry.insert_code_failure',
  `INSERT INTO login_history (user_id, ip_address, address_key, status, reason)
   SELECT id, $2::cidr, $3::bytea, 'failure', $4 FROM users_auth WHERE phone_number = $1
      FOR KEY SHARE`,
);

/** An attempt that opened no session: refused, or asked for the second factor. */
export async function insertLoginAttempt(
  tx: Tx,
  entry: HistoryOrigin & {
    readonly accountId: string;
    /** As the client named it; it may be no device of the account. */
    readonly deviceId: string;
    readonly status: 'failure' | 'challenged';
    readonly reason: string | undefined;
  },
): Promise<void> {
  const { accountId, deviceId, origin, addressKey, status, reason } = entry;
  await tx.query(INSERT_ATTEMPT, [
    accountId,
    deviceId,
    origin.ipPrefix,
    addressKey,
    status,
    reason ?? null,
  ]);
}

const INSERT_ATTEMPT = sql(
  'entry.insert_login_attempt',
  `INSERT INTO login_history (user_id, device_id, ip_address, address_key, status, reason)
   VALUES ($1, $2, $3, $4, $5, $6)`,
);

/**
 * What the number's account knows of an address, under any pepper that is still in use. Addresses of
 * an owner before, whose history is hidden, are strangers.
 */
export async function selectFamiliarity(
  deps: { readonly db: Queryable; readonly digest: Digest },
  phone: E164,
  addressUnit: string,
): Promise<Familiarity> {
  const addressKeys = deps.digest.every('address', [addressUnit]);
  const [row] = await deps.db.query<Familiarity>(SELECT_FAMILIARITY, [phone, addressKeys]);
  return row ?? { isKnownAddress: false, hasSecondFactor: false, hasAccount: false };
}

const SELECT_FAMILIARITY = sql(
  'entry.select_familiarity',
  `SELECT true AS "hasAccount", u.two_factor_enabled AS "hasSecondFactor",
          EXISTS (SELECT 1 FROM login_history h WHERE h.user_id = u.id AND h.status = 'success'
                     AND h.created_at >= coalesce(u.history_from, '-infinity')
                     AND h.address_key = ANY ($2::bytea[])) AS "isKnownAddress"
     FROM users_auth u WHERE u.phone_number = $1`,
);
