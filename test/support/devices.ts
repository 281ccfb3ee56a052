import type { TestApp } from './app.ts';
import { bearer } from './client.ts';
import type { SignedIn } from './person.ts';

/** Ids of the living devices of a person, last used first. */
export async function deviceIdsOf(app: TestApp, person: SignedIn): Promise<string[]> {
  const { devices } = await app.clients.device.listDevices({}, bearer(person.accessToken));
  return devices.map(({ id }) => id);
}

/** How many events of a type wait for other services. */
export async function countEvents(app: TestApp, person: SignedIn, type: string): Promise<number> {
  const [row] = await app.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM outbox WHERE account_id = $1 AND type = $2',
    [person.userId, type],
  );
  return row?.count ?? 0;
}

/** How many audit events of a type are about a device. */
export async function countAudited(app: TestApp, deviceId: string, type: string): Promise<number> {
  const [row] = await app.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM audit_events WHERE device_id = $1 AND type = $2',
    [deviceId, type],
  );
  return row?.count ?? 0;
}

/** Identity key, signed key and one-time keys of a device: 102 after a sign-in with the app's bundle. */
export async function countKeys(app: TestApp, deviceId: string): Promise<number> {
  const [row] = await app.sql<{ count: number }>(
    `SELECT ((SELECT count(*) FROM identity_keys WHERE device_id = $1)
           + (SELECT count(*) FROM signed_prekeys WHERE device_id = $1)
           + (SELECT count(*) FROM prekeys WHERE device_id = $1))::int AS count`,
    [deviceId],
  );
  return row?.count ?? 0;
}
