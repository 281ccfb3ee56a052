import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { TestApp } from './app.ts';
import type { Clients } from './client.ts';

/** A French mobile number that nobody else in this run has. */
export function newNumber(): string {
  return `+3361${randomInt(1_000_000, 9_999_999)}`;
}

/** A different documentation address each time (RFC 5737, RFC 2544). */
export function newAddress(): string {
  return `198.${randomInt(18, 20)}.${randomInt(256)}.${randomInt(1, 255)}`;
}

/** A bundle as the deployed app sends it: bare 32-byte keys, 100 one-time keys, about 8.4 KB of JSON. */
export function legacyBundle(identityKey: Uint8Array = randomBytes(32)) {
  return {
    identityKey,
    signedPreKey: { keyId: 1, publicKey: randomBytes(32), signature: randomBytes(64) },
    preKeys: Array.from({ length: 100 }, (_, index) => ({
      keyId: 5_000 + index,
      publicKey: randomBytes(32),
    })),
  };
}

export interface SignedIn {
  readonly phone: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly sessionId: string;
}

/** A number whose code was entered: what Register and Login take. */
export async function prove(
  app: TestApp,
  purpose: 'register' | 'login',
  options: { phone?: string; clients?: Clients } = {},
): Promise<{ phone: string; verificationId: string }> {
  const { phone = newNumber(), clients = app.clientsAt(newAddress()) } = options;
  const { auth } = clients;
  const request = { phoneNumber: phone };
  const { verificationId } = await (purpose === 'register'
    ? auth.requestRegisterVerification(request)
    : auth.requestLoginVerification(request));
  const confirmation = { verificationId, code: app.inbox.codeFor(phone) };
  await (purpose === 'register'
    ? auth.confirmRegisterVerification(confirmation)
    : auth.confirmLoginVerification(confirmation));
  return { phone, verificationId };
}

/** A new account with one device and its keys. */
export async function registerPerson(
  app: TestApp,
  deviceId: string = randomUUID(),
): Promise<SignedIn> {
  const { phone, verificationId } = await prove(app, 'register');
  const device = { verificationId, deviceId, deviceName: 'First device', deviceType: 'ios' };
  const answer = await app.clients.auth.register({ ...device, signalKeyBundle: legacyBundle() });
  return { ...answer, phone };
}

/** A further session of a person. */
export async function signIn(
  app: TestApp,
  phone: string,
  deviceId: string = randomUUID(),
): Promise<SignedIn> {
  const { verificationId } = await prove(app, 'login', { phone });
  const device = { verificationId, deviceId, deviceName: 'Next device', deviceType: 'android' };
  const answer = await app.clients.auth.login({ ...device, signalKeyBundle: legacyBundle() });
  return { ...answer, phone };
}

/** Ids of `count` confirmed login verifications of one number at the same time. */
export function provenLogins(app: TestApp, phone: string, count: number): Promise<string[]> {
  return provenMany(app, { purpose: 'login', phone, count });
}

/**
 * The same for any purpose. The service never leaves more than one confirmed verification of a
 * number, so they are written where it looks for them.
 */
export async function provenMany(
  app: TestApp,
  proven: { purpose: 'register' | 'login'; phone: string; count: number },
): Promise<string[]> {
  const { purpose, phone, count } = proven;
  const info = await app.redis.info('replication');
  const replid = /master_replid:(\w+)/.exec(info)?.[1] ?? '';
  const ids = Array.from({ length: count }, () => randomUUID());
  for (const id of ids) {
    const record = { replid, purpose, phone, confirmed: '1' };
    await app.redis.hset(`verification:${id}`, record);
  }
  return ids;
}
