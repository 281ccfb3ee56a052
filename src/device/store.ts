import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';

/** What a client says of itself when it signs in. */
export interface DeviceDescription {
  /** The client's own UUID of this installation. */
  readonly id: string;
  readonly name: string;
  readonly platform: string;
  readonly model: string;
  readonly osVersion: string;
  readonly appVersion: string;
}

export type DeviceRow = {
  id: string;
  name: string;
  platform: string;
  model: string;
  osVersion: string;
  appVersion: string;
  createdAt: Date;
  lastActiveAt: Date;
  isVerified: boolean;
  /** It has a living session. */
  isActive: boolean;
  isReplaceable: boolean;
  /** Position in the list: last use in microseconds since the Unix epoch. */
  position: string;
};

/**
 * Adds a device, or brings its description up to date; a phone number once proven on it stays so. A
 * removed device that comes back is new: nothing of its former life is left but its row.
 */
export async function upsertDevice(
  tx: Tx,
  accountId: string,
  device: DeviceDescription & { readonly isVerified: boolean },
): Promise<{ isNew: boolean }> {
  const [row] = await tx.query<{ isNew: boolean }>(UPSERT, [
    accountId,
    device.id,
    device.name,
    device.platform,
    device.model,
    device.osVersion,
    device.appVersion,
    device.isVerified,
  ]);
  return { isNew: row?.isNew ?? false };
}

const UPSERT = sql(
  'device.upsert',
  `WITH known AS (SELECT 1 FROM devices WHERE user_id = $1 AND id = $2 AND is_active)
   INSERT INTO devices (user_id, id, device_name, device_type, model, os_version, app_version,
                        device_fingerprint, is_verified)
   VALUES ($1, $2::uuid, $3, $4, $5, $6, $7, $2::uuid::text, $8)
   ON CONFLICT (user_id, id) DO UPDATE
     SET device_name = excluded.device_name, device_type = excluded.device_type,
         model = excluded.model, os_version = excluded.os_version,
         app_version = excluded.app_version, last_active = now(),
         created_at = CASE WHEN devices.is_active THEN devices.created_at ELSE now() END,
         is_verified = devices.is_verified OR excluded.is_verified, is_active = true
   RETURNING NOT EXISTS (SELECT FROM known) AS "isNew"`,
);

/** The device stays in the history under its name; it is active again when it signs in again. */
export async function deactivateDevice(tx: Tx, accountId: string, deviceId: string): Promise<void> {
  await tx.query(DEACTIVATE, [accountId, deviceId]);
}

const DEACTIVATE = sql(
  'device.deactivate',
  'UPDATE devices SET is_active = false, is_verified = false WHERE user_id = $1 AND id = $2',
);

/** Forgets every device of an account, with its sessions and keys; none may have a living session. */
export async function deleteDevices(
  tx: Tx,
  accountId: string,
): Promise<{ id: string; isActive: boolean }[]> {
  return tx.query(DELETE_ALL, [accountId]);
}

const DELETE_ALL = sql(
  'device.delete_all',
  'DELETE FROM devices WHERE user_id = $1 RETURNING id, is_active AS "isActive"',
);

/** The account's devices with a living session, and whether `deviceId` is one of them. */
export async function countLivingDevices(
  tx: Tx,
  accountId: string,
  deviceId: string,
): Promise<{ count: number; isLiving: boolean }> {
  const [row] = await tx.query<{ count: number; isLiving: boolean }>(COUNT_LIVING, [
    accountId,
    deviceId,
  ]);
  return row ?? { count: 0, isLiving: false };
}

const COUNT_LIVING = sql(
  'device.count_living',
  `SELECT count(DISTINCT device_id)::integer AS count,
          coalesce(bool_or(device_id = $2), false) AS "isLiving"
     FROM sessions
    WHERE user_id = $1 AND revoked_at IS NULL AND idle_expires_at > now()`,
);

/** Ids of the account's devices with a living session, without `exceptId`. */
export async function selectOtherDeviceIds(
  tx: Tx,
  accountId: string,
  exceptId: string,
): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(SELECT_OTHERS, [accountId, exceptId]);
  return rows.map(({ id }) => id);
}

const SELECT_OTHERS = sql(
  'device.select_others',
  `SELECT DISTINCT device_id AS id FROM sessions
    WHERE user_id = $1 AND device_id <> $2 AND revoked_at IS NULL AND idle_expires_at > now()
    ORDER BY id`,
);

/** When the device `d` was last used by a living session; null if it has none. */
const LIVING_USE = `
  JOIN LATERAL (SELECT max(s.last_seen_at) AS at FROM sessions s
                 WHERE s.user_id = d.user_id AND s.device_id = d.id
                   AND s.revoked_at IS NULL AND s.idle_expires_at > now()) used`;

const LAST_USE = 'greatest(d.last_active, used.at)';

/** $2 is the disuse after which a device may be replaced at the cap, in seconds. */
const COLUMNS = `
  d.id, d.device_name AS name, d.device_type AS platform, d.model, d.os_version AS "osVersion",
  d.app_version AS "appVersion", d.created_at AS "createdAt", ${LAST_USE} AS "lastActiveAt",
  d.is_verified AS "isVerified", used.at IS NOT NULL AS "isActive",
  used.at IS NOT NULL AND ${LAST_USE} < now() - make_interval(secs => $2) AS "isReplaceable",
  (extract(epoch FROM ${LAST_USE}) * 1000000)::bigint::text AS position`;

/** One device of an account. */
export interface DeviceKey {
  readonly accountId: string;
  readonly deviceId: string;
  readonly replaceableSeconds: number;
}

/** The device, unless it was removed; it may have no living session. */
export async function selectDevice(
  db: Queryable,
  { accountId, deviceId, replaceableSeconds }: DeviceKey,
): Promise<DeviceRow | undefined> {
  const [row] = await db.query<DeviceRow>(SELECT, [accountId, replaceableSeconds, deviceId]);
  return row;
}

const SELECT = sql(
  'device.select',
  `SELECT ${COLUMNS} FROM devices d ${LIVING_USE} ON true
    WHERE d.user_id = $1 AND d.id = $3 AND d.is_active`,
);

/** Gives the device a name, unless it was removed. */
export async function updateName(
  tx: Tx,
  { accountId, deviceId, replaceableSeconds }: DeviceKey,
  name: string,
): Promise<DeviceRow | undefined> {
  const values = [accountId, replaceableSeconds, deviceId, name];
  const [row] = await tx.query<DeviceRow>(UPDATE_NAME, values);
  return row;
}

const UPDATE_NAME = sql(
  'device.update_name',
  `WITH d AS (UPDATE devices SET device_name = $4
               WHERE user_id = $1 AND id = $3 AND is_active RETURNING *)
   SELECT ${COLUMNS} FROM d ${LIVING_USE} ON true`,
);

export interface DevicePage {
  readonly accountId: string;
  readonly after: readonly [string, string] | undefined;
  readonly limit: number;
  /** Disuse after which a device may be replaced at the cap. */
  readonly replaceableSeconds: number;
}

/** The account's devices with a living session, last used first. */
export async function listDevices(db: Queryable, page: DevicePage): Promise<DeviceRow[]> {
  const [position = null, id = null] = page.after ?? [];
  return db.query(LIST, [page.accountId, page.replaceableSeconds, position, id, page.limit]);
}

const LIST = sql(
  'device.list',
  `SELECT * FROM (SELECT ${COLUMNS} FROM devices d ${LIVING_USE} ON used.at IS NOT NULL
                   WHERE d.user_id = $1) listed
    WHERE $3::bigint IS NULL OR (position::bigint, id) < ($3::bigint, $4::uuid)
    ORDER BY position::bigint DESC, id DESC LIMIT $5`,
);

/** The devices with a living session of many accounts, last used first. */
export async function listDevicesOf(
  db: Queryable,
  accountIds: readonly string[],
  replaceableSeconds: number,
): Promise<(DeviceRow & { accountId: string })[]> {
  return db.query(LIST_OF, [accountIds, replaceableSeconds]);
}

const LIST_OF = sql(
  'device.list_of',
  `SELECT d.user_id AS "accountId", ${COLUMNS}
     FROM devices d ${LIVING_USE} ON used.at IS NOT NULL
    WHERE d.user_id = ANY ($1::uuid[])
    ORDER BY d.user_id, ${LAST_USE} DESC, d.id DESC`,
);
