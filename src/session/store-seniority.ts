import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import type { RevokeTarget } from './store-revocation.ts';

/** How long a session is junior, and how long a step-up lifts it above that. */
export interface SenioritySeconds {
  readonly juniorSeconds: number;
  readonly stepUpSeconds: number;
}

/** A junior session that is not stepped up; $1 is `juniorSeconds`, $2 `stepUpSeconds`. */
const IS_JUNIOR = `(me.created_at > now() - make_interval(secs => $1)
      AND (me.stepped_up_at IS NULL OR me.stepped_up_at <= now() - make_interval(secs => $2)))`;

const HAS_OLDER = `EXISTS (
      SELECT 1 FROM sessions older
       WHERE older.user_id = me.user_id AND older.created_at < me.created_at
         AND older.revoked_at IS NULL AND older.idle_expires_at > now())`;

/** Whether an older session holds this one back; nothing if it has ended. */
export async function selectHeldBack(
  db: Queryable,
  sessionId: string,
  seconds: SenioritySeconds,
): Promise<boolean | undefined> {
  const values = [seconds.juniorSeconds, seconds.stepUpSeconds, sessionId];
  const [row] = await db.query<{ isHeldBack: boolean }>(SELECT_HELD_BACK, values);
  return row?.isHeldBack;
}

const SELECT_HELD_BACK = sql(
  'session.select_held_back',
  `SELECT ${IS_JUNIOR} AND ${HAS_OLDER} AS "isHeldBack" FROM sessions me
    WHERE me.id = $3 AND me.revoked_at IS NULL AND me.idle_expires_at > now()`,
);

/** The account's living sessions that `sessionId` may not act on: older ones, while it is junior. */
export async function countSeniorTargets(
  tx: Tx,
  act: { readonly target: RevokeTarget; readonly sessionId: string },
  seconds: SenioritySeconds,
): Promise<number> {
  const { accountId, onlyId, exceptId, onlyDeviceId } = act.target;
  const [row] = await tx.query<{ count: number }>(COUNT_SENIOR, [
    seconds.juniorSeconds,
    seconds.stepUpSeconds,
    act.sessionId,
    accountId,
    onlyId ?? null,
    exceptId ?? null,
    onlyDeviceId ?? null,
  ]);
  return row?.count ?? 0;
}

const COUNT_SENIOR = sql(
  'session.count_senior',
  `SELECT count(*)::integer AS count
     FROM sessions s JOIN sessions me ON me.id = $3
    WHERE s.user_id = $4 AND s.revoked_at IS NULL AND s.idle_expires_at > now()
      AND ($5::uuid IS NULL OR s.id = $5) AND ($6::uuid IS NULL OR s.id <> $6)
      AND ($7::uuid IS NULL OR s.device_id = $7)
      AND s.created_at < me.created_at AND ${IS_JUNIOR}`,
);

/** Says until when the session is lifted; nothing if it has ended. */
export async function updateSteppedUp(
  tx: Tx,
  sessionId: string,
  { stepUpSeconds }: SenioritySeconds,
): Promise<Date | undefined> {
  const [row] = await tx.query<{ endsAt: Date }>(STEP_UP, [sessionId, stepUpSeconds]);
  return row?.endsAt;
}

const STEP_UP = sql(
  'session.step_up',
  `UPDATE sessions SET stepped_up_at = now()
    WHERE id = $1 AND revoked_at IS NULL AND idle_expires_at > now()
   RETURNING stepped_up_at + make_interval(secs => $2) AS "endsAt"`,
);

/**
 * Whether `seniorId` may lift `juniorId`: it is older and not held back itself; nothing if one ended.
 * Locked, so that a session which is being ended lifts nobody.
 */
export async function selectMayLift(
  tx: Tx,
  ids: { readonly accountId: string; readonly seniorId: string; readonly juniorId: string },
  seconds: SenioritySeconds,
): Promise<boolean | undefined> {
  const values = [seconds.juniorSeconds, seconds.stepUpSeconds];
  const [row] = await tx.query<{ mayLift: boolean }>(SELECT_MAY_LIFT, [
    ...values,
    ids.seniorId,
    ids.juniorId,
    ids.accountId,
  ]);
  return row?.mayLift;
}

const SELECT_MAY_LIFT = sql(
  'session.select_may_lift',
  `SELECT me.created_at < junior.created_at AND NOT (${IS_JUNIOR} AND ${HAS_OLDER}) AS "mayLift"
     FROM sessions me
     JOIN sessions junior ON junior.id = $4 AND junior.user_id = $5
                         AND junior.revoked_at IS NULL AND junior.idle_expires_at > now()
    WHERE me.id = $3 AND me.user_id = $5 AND me.revoked_at IS NULL AND me.idle_expires_at > now()
      FOR SHARE OF me`,
);
