import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { OutboxEventSchema } from '../../gen/whispr/events/v1/event_pb.ts';
import { SecurityEventKind } from '../../gen/whispr/notification/v1/notification_service_pb.ts';
import type { TestApp } from './app.ts';
import { bearer } from './client.ts';
import { newAddress, newNumber } from './person.ts';
import type { SignedIn } from './person.ts';

/** A confirmed verification of the account's present number, for the person's session. */
export async function proveOldNumber(app: TestApp, person: SignedIn): Promise<string> {
  const { auth } = app.clientsAt(newAddress());
  const as = bearer(person.accessToken);
  const { verificationId } = await auth.requestOldNumberVerification({}, as);
  const confirmation = { verificationId, code: app.inbox.codeFor(person.phone) };
  await auth.confirmOldNumberVerification(confirmation, as);
  return verificationId;
}

/** A confirmed verification of another number, for the person's session. */
export async function proveNewNumber(
  app: TestApp,
  person: SignedIn,
  phone: string = newNumber(),
): Promise<{ phone: string; verificationId: string }> {
  const { auth } = app.clientsAt(newAddress());
  const as = bearer(person.accessToken);
  const { verificationId } = await auth.requestNewNumberVerification({ phoneNumber: phone }, as);
  const confirmation = { verificationId, code: app.inbox.codeFor(phone) };
  await auth.confirmNewNumberVerification(confirmation, as);
  return { phone, verificationId };
}

/** What a change of the number is asked with. */
interface NumberProofs {
  readonly newNumberVerificationId: string;
  readonly oldNumberVerificationId?: string;
  readonly token?: string;
}

export function changeNumber(app: TestApp, person: SignedIn, proofs: NumberProofs) {
  return app.clients.auth.changePhoneNumber(proofs, bearer(person.accessToken));
}

/** The number that the account has now. */
export async function phoneOf(app: TestApp, userId: string): Promise<string | null> {
  const sql = 'SELECT phone_number AS phone FROM users_auth WHERE id = $1';
  const [row] = await app.sql<{ phone: string | null }>(sql, [userId]);
  return row?.phone ?? null;
}

/** Gives the person another number, proven by the old one too. */
export async function moveTo(
  app: TestApp,
  person: SignedIn,
  phone: string = newNumber(),
): Promise<string> {
  const proven = await proveNewNumber(app, person, phone);
  await changeNumber(app, person, {
    newNumberVerificationId: proven.verificationId,
    oldNumberVerificationId: await proveOldNumber(app, person),
  });
  return phone;
}

/** As if the session had been opened `days` ago. */
export async function ageSession(app: TestApp, sessionId: string, days: number): Promise<void> {
  await app.sql(
    'UPDATE sessions SET created_at = created_at - make_interval(days => $2) WHERE id = $1',
    [sessionId, days],
  );
}

/** Names of what the account's owner was told, oldest first. */
export async function toldTo(app: TestApp, userId: string): Promise<string[]> {
  const rows = await app.sql<{ payload: Buffer }>(
    `SELECT payload FROM outbox WHERE account_id = $1 AND type = 'security' ORDER BY id`,
    [userId],
  );
  return rows.map(({ payload }) => {
    const event = fromBinary(OutboxEventSchema, payload).payload;
    const kind = event.case === 'securityEvent' ? event.value.kind : undefined;
    const [name = 'none'] =
      Object.entries(SecurityEventKind).find(([, value]) => value === kind) ?? [];
    return name;
  });
}

/** Types and outcomes of the account's audit rows, oldest first. */
export async function auditOf(app: TestApp, userId: string): Promise<string[]> {
  const rows = await app.sql<{ type: string; reason: string | null }>(
    'SELECT type, reason FROM audit_events WHERE account_id = $1 ORDER BY created_at, type',
    [userId],
  );
  return rows.map(({ type, reason }) => (reason === null ? type : `${type} ${reason}`));
}

/**
 * Confirmed verifications of one number, each for another person's session. More than the number may
 * be sent, so they are written where the service looks for them.
 */
export async function provenChanges(
  app: TestApp,
  people: readonly SignedIn[],
  phone: string,
): Promise<string[]> {
  const info = await app.redis.info('replication');
  const replid = /master_replid:(\w+)/.exec(info)?.[1] ?? '';
  const ids: string[] = [];
  for (const { userId, sessionId } of people) {
    const id = randomUUID();
    const purpose = `change_new:${userId}:${sessionId}`;
    await app.redis.hset(`verification:${id}`, { replid, purpose, phone, confirmed: '1' });
    ids.push(id);
  }
  return ids;
}
