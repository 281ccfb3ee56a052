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
  isReplaceable: boolean;
  /** Position in the list: last use in microseconds since the Unix epoch. */
  position: string;
};

/** Adds a device, or brings its description up to date; a phone number once proven on it stays so. */
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
  `INSERT INTO devices (user_id, id, device_name, device_type, model, os_version, app_version,
                        device_fingerprint, is_verified)
   VALUES ($1, $2::uuid, $3, $4, $5, $6, $7, $2::uuid::text, $8)
   ON CONFLICT (user_id, id) DO UPDATE
     SET device_name = excluded.device_name, device_type = excluded.device_type,
         model = excluded.model, os_version = excluded.os_version,
         app_version = excluded.app_version, last_active = now(),
         is_verified = devices.is_verified OR excluded.is_verified, is_active = true
   RETURNING xmax = 0 AS "isNew"`,
);

/** The device stays in the history under its name; it is active again when it signs in again. */
export async function deactivateDevice(tx: Tx, accountId: string, deviceId: string): Promise<void> {
  await tx.query(DEACTIVATE, [accountId, deviceId]);
}

const DEACTIVATE = sql(
  'device.deactivate',
  'UPDATE devices SET is_active = false, is_verified = false WHERE user_id = $1 AND id = $2',
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
  `SELECT * FROM (
     SELECT d.id, d.device_name AS name, d.device_type AS platform, d.model,
            d.os_version AS "osVersion", d.app_version AS "appVersion", d.created_at AS "createdAt",
            greatest(d.last_active, used.at) AS "lastActiveAt", d.is_verified AS "isVerified",
            greatest(d.last_active, used.at) < now() - make_interval(secs => $2) AS "isReplaceable",
            (extract(epoch FROM greatest(d.last_active, used.at)) * 1000000)::bigint::text AS position
       FROM devices d
       JOIN LATERAL (SELECT max(s.last_seen_at) AS at FROM sessions s
                      WHERE s.user_id = d.user_id AND s.device_id = d.id
                        AND s.revoked_at IS NULL AND s.idle_expires_at > now()) used
         ON used.at IS NOT NULL
      WHERE d.user_id = $1) listed
    WHERE $3::bigint IS NULL OR (position::bigint, id) < ($3::bigint, $4::uuid)
    ORDER BY position::bigint DESC, id DESC LIMIT $5`,
);
