import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

/** What a token needs of its session; times are seconds since the Unix epoch. */
export type SessionRow = {
  id: string;
  accountId: string;
  deviceId: string;
  refreshCounter: number;
  authTimeSeconds: number;
  idleEndsAtSeconds: number;
  absoluteEndsAtSeconds: number;
  methods: string[];
  contextClass: string;
};

export type StaleSessionRow = SessionRow & {
  isRevoked: boolean;
  isExpired: boolean;
  secondsSinceRotation: number;
  /** Late refreshes of the last 30 days. */
  lateCount: number;
  secondsSinceLate: number | null;
};

export type ListedSessionRow = {
  id: string;
  deviceId: string;
  deviceName: string;
  platform: string;
  ipPrefix: string;
  createdAt: Date;
  lastSeenAt: Date;
  expiresAt: Date;
  methods: string[];
  isJunior: boolean;
  /** Position in the list: last use in microseconds since the Unix epoch. */
  position: string;
};

const TOKEN_COLUMNS = `
  id, user_id AS "accountId", device_id AS "deviceId", refresh_counter AS "refreshCounter",
  extract(epoch FROM auth_time)::float8 AS "authTimeSeconds",
  extract(epoch FROM idle_expires_at)::float8 AS "idleEndsAtSeconds",
  extract(epoch FROM absolute_expires_at)::float8 AS "absoluteEndsAtSeconds",
  amr AS methods, acr AS "contextClass"`;

const IS_LIVING = 'revoked_at IS NULL AND idle_expires_at > now()';

export interface NewSession {
  readonly id: string;
  readonly accountId: string;
  readonly deviceId: string;
  readonly methods: readonly string[];
  readonly contextClass: string;
  readonly ipPrefix: string;
  readonly idleSeconds: number;
  readonly absoluteSeconds: number;
}

export async function insertSession(tx: Tx, session: NewSession): Promise<SessionRow | undefined> {
  const [row] = await tx.query<SessionRow>(INSERT_SESSION, [
    session.id,
    session.accountId,
    session.deviceId,
    session.methods,
    session.contextClass,
    session.ipPrefix,
    session.idleSeconds,
    session.absoluteSeconds,
  ]);
  return row;
}

const INSERT_SESSION = sql(
  'session.insert',
  `INSERT INTO sessions
     (id, user_id, device_id, amr, acr, ip_prefix, idle_expires_at, absolute_expires_at)
   VALUES ($1, $2, $3, $4, $5, $6,
     now() + make_interval(secs => least($7::integer, $8::integer)), now() + make_interval(secs => $8::integer))
   RETURNING ${TOKEN_COLUMNS}`,
);

/** The living session `fromId` of the same account lends its proof; nothing when it ended. */
export async function insertInheritingSession(
  tx: Tx,
  session: Omit<NewSession, 'methods' | 'contextClass' | 'absoluteSeconds'> & { fromId: string },
): Promise<SessionRow | undefined> {
  const { id, accountId, deviceId, ipPrefix, idleSeconds, fromId } = session;
  const values = [id, accountId, deviceId, ipPrefix, idleSeconds, fromId];
  const [row] = await tx.query<SessionRow>(INSERT_INHERITING, values);
  return row;
}

const INSERT_INHERITING = sql(
  'session.insert_inheriting',
  `INSERT INTO sessions
     (id, user_id, device_id, amr, acr, auth_time, ip_prefix, idle_expires_at, absolute_expires_at)
   SELECT $1, $2, $3, lender.amr, lender.acr, lender.auth_time, $4,
          least(now() + make_interval(secs => $5::integer), lender.absolute_expires_at),
          lender.absolute_expires_at
     FROM sessions lender
    WHERE lender.id = $6 AND lender.user_id = $2 AND lender.revoked_at IS NULL
      AND lender.idle_expires_at > now()
      FOR SHARE OF lender
   RETURNING ${TOKEN_COLUMNS}`,
);

/**
 * Moves a session from the presented counter to the next, if it lives and the counter is the newest
 * or ahead of it (a restored database is behind what was answered). Nothing otherwise.
 */
export async function rotateSession(
  db: Queryable,
  input: { id: string; counter: number; idleSeconds: number; ipPrefix: string },
): Promise<SessionRow | undefined> {
  const values = [input.id, input.counter, input.idleSeconds, input.ipPrefix];
  const [row] = await db.query<SessionRow>(ROTATE_SESSION, values);
  return row;
}

const ROTATE_SESSION = sql(
  'session.rotate',
  `UPDATE sessions
      SET refresh_counter = $2::integer + 1, rotated_at = now(), last_seen_at = now(), ip_prefix = $4,
          idle_expires_at = least(now() + make_interval(secs => $3), absolute_expires_at)
    WHERE id = $1 AND refresh_counter <= $2 AND ${IS_LIVING}
   RETURNING ${TOKEN_COLUMNS}`,
);

/** The session, locked until the transaction ends, with what decides about an old refresh token. */
export async function lockStaleSession(tx: Tx, id: string): Promise<StaleSessionRow | undefined> {
  const [row] = await tx.query<StaleSessionRow>(LOCK_STALE, [id]);
  return row;
}

const LOCK_STALE = sql(
  'session.lock_stale',
  `SELECT ${TOKEN_COLUMNS}, revoked_at IS NOT NULL AS "isRevoked",
          idle_expires_at <= now() AS "isExpired",
          extract(epoch FROM now() - rotated_at)::float8 AS "secondsSinceRotation",
          (SELECT count(*)::integer FROM unnest(late_refreshes) AS late
            WHERE late > now() - interval '30 days') AS "lateCount",
          (SELECT extract(epoch FROM now() - max(late))::float8 FROM unnest(late_refreshes) AS late)
            AS "secondsSinceLate"
     FROM sessions WHERE id = $1 FOR UPDATE`,
);

/** Remembers that the predecessor came back late and was answered. */
export async function recordLateRefresh(tx: Tx, id: string): Promise<void> {
  await tx.query(RECORD_LATE, [id]);
}

const RECORD_LATE = sql(
  'session.record_late',
  `UPDATE sessions SET last_seen_at = now(),
          late_refreshes = array(SELECT late FROM unnest(late_refreshes) AS late
            WHERE late > now() - interval '30 days') || now()
    WHERE id = $1`,
);

/** Whether the session lives, for when the revocation feed is not fresh. */
export async function isSessionLiving(db: Queryable, id: string): Promise<boolean> {
  const rows = await db.query(SELECT_LIVING, [id]);
  return rows.length === 1;
}

const SELECT_LIVING = sql(
  'session.is_living',
  'SELECT id FROM sessions WHERE id = $1 AND revoked_at IS NULL',
);

export async function listSessions(
  db: Queryable,
  page: { accountId: string; after: readonly [string, string] | undefined; limit: number },
): Promise<ListedSessionRow[]> {
  const [position = null, id = null] = page.after ?? [];
  return db.query(LIST_SESSIONS, [page.accountId, position, id, page.limit]);
}

/** Microseconds since the epoch: exact, and any number of them is a valid position. */
const LAST_USE = '(extract(epoch FROM s.last_seen_at) * 1000000)::bigint';

const LIST_SESSIONS = sql(
  'session.list',
  `SELECT s.id, s.device_id AS "deviceId", d.device_name AS "deviceName", d.device_type AS platform,
          s.ip_prefix::text AS "ipPrefix", s.created_at AS "createdAt",
          s.last_seen_at AS "lastSeenAt", s.idle_expires_at AS "expiresAt", s.amr AS methods,
          s.created_at > now() - interval '24 hours' AND EXISTS (
            SELECT 1 FROM sessions older WHERE older.user_id = s.user_id
               AND older.revoked_at IS NULL AND older.idle_expires_at > now()
               AND older.created_at < s.created_at) AS "isJunior",
          ${LAST_USE}::text AS position
     FROM sessions s JOIN devices d ON d.user_id = s.user_id AND d.id = s.device_id
    WHERE s.user_id = $1 AND s.revoked_at IS NULL AND s.idle_expires_at > now()
      AND ($2::bigint IS NULL OR (${LAST_USE}, s.id) < ($2::bigint, $3::uuid))
    ORDER BY ${LAST_USE} DESC, s.id DESC LIMIT $4`,
);

/** Forgets sessions that ended long ago; how long is more than any rule about dormancy looks back. */
export async function deleteOldSessions(db: Queryable): Promise<void> {
  await db.query(DELETE_OLD, []);
}

const DELETE_OLD = sql(
  'session.delete_old',
  `DELETE FROM sessions WHERE coalesce(revoked_at, idle_expires_at) < now() - interval '90 days'`,
);
