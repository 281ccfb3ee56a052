import { randomUUID } from 'node:crypto';
import { TOTP } from 'otpauth';
import { TwoFactorChallengeSchema } from '../../gen/whispr/auth/v1/two_factor_pb.ts';
import type { TwoFactorChallenge } from '../../gen/whispr/auth/v1/two_factor_pb.ts';
import type { TestApp } from './app.ts';
import { bearer, refusalOf } from './client.ts';
import type { Refusal } from './client.ts';
import { legacyBundle, prove, provenLogins, registerPerson } from './person.ts';
import type { SignedIn } from './person.ts';

/** Somebody who turned the second factor on, with what the authenticator app and the paper hold. */
export interface TwoFactorPerson extends SignedIn {
  /** Base32, as the authenticator app got it. */
  readonly secret: string;
  /** Ten of them, 4-4-4-4. */
  readonly backupCodes: readonly string[];
}

/** A new account with one device and a second factor, whose enrolment code is not in the way. */
export async function registerTwoFactorPerson(app: TestApp): Promise<TwoFactorPerson> {
  const person = await registerPerson(app);
  return { ...person, ...(await turnOnTwoFactor(app, person)) };
}

/** Turns the factor on through the real calls; the code of the present step is fresh afterwards. */
export async function turnOnTwoFactor(
  app: TestApp,
  person: Pick<SignedIn, 'accessToken' | 'userId'>,
): Promise<{ secret: string; backupCodes: readonly string[] }> {
  const { auth } = app.clients;
  const { secret } = await auth.setUpTwoFactor({}, bearer(person.accessToken));
  const token = codeOf(secret);
  const { backupCodes } = await auth.enableTwoFactor({ token }, bearer(person.accessToken));
  await freshenCodes(app, person.userId);
  return { secret, backupCodes };
}

/** The code that an authenticator app shows now, or `steps` of 30 s away from now. */
export function codeOf(secret: string, steps = 0): string {
  return new TOTP({ secret }).generate({ timestamp: Date.now() + steps * 30_000 });
}

/** A code of six digits that is neither the present one nor one of its neighbours. */
export function wrongCodeFor(secret: string): string {
  const near = new Set([-2, -1, 0, 1, 2].map((steps) => codeOf(secret, steps)));
  const distant = ['000000', '111111', '222222', '333333', '444444', '555555'];
  return distant.find((code) => !near.has(code)) ?? '';
}

/** As if the last code had been used long ago and nothing had been mistyped since. */
export async function freshenCodes(app: TestApp, userId: string): Promise<void> {
  await app.sql(
    'UPDATE two_factor_states SET last_step = 0, misses = 0, locked_until = NULL WHERE user_id = $1',
    [userId],
  );
}

/** Payloads of the words to the owner about changes of the factor, as text. */
export async function toldOfFactor(app: TestApp, userId: string): Promise<string[]> {
  const rows = await app.sql<{ payload: Buffer }>(
    `SELECT payload FROM outbox WHERE account_id = $1 AND type = 'security' ORDER BY id`,
    [userId],
  );
  const texts = rows.map(({ payload }) => payload.toString('latin1'));
  return texts.filter((text) => /set_up|enabled|disabled|codes_replaced/.test(text));
}

/** What a device that signs in tells of itself. */
export interface EnteringDevice {
  readonly deviceId?: string;
  readonly deviceName?: string;
  readonly identityKey?: Uint8Array;
}

/** Login with a proven number, which is refused for want of the second factor. */
export async function refusedLogin(
  app: TestApp,
  phone: string,
  device: EnteringDevice = {},
): Promise<Refusal> {
  const { verificationId } = await prove(app, 'login', { phone });
  return refusalOf(loginWith(app, verificationId, device));
}

/** The challenge that such a login is answered with. */
export async function challengeOf(
  app: TestApp,
  phone: string,
  device: EnteringDevice = {},
): Promise<string> {
  return challengeIn(await refusedLogin(app, phone, device)).challenge;
}

/** `count` open challenges of one account, each of another device. */
export async function challengesOf(app: TestApp, phone: string, count: number): Promise<string[]> {
  const challenges: string[] = [];
  for (const verificationId of await provenLogins(app, phone, count)) {
    const refusal = await refusalOf(loginWith(app, verificationId, {}));
    challenges.push(challengeIn(refusal).challenge);
  }
  return challenges;
}

/** The typed detail of TWO_FACTOR_REQUIRED. */
export function challengeIn(refusal: Refusal): TwoFactorChallenge {
  const [challenge] = refusal.error.findDetails(TwoFactorChallengeSchema);
  if (!challenge) throw new Error(`No challenge in ${refusal.reason}`);
  return challenge;
}

/** A further session of the person: number, then authenticator code. */
export async function signInWithFactor(
  app: TestApp,
  person: TwoFactorPerson,
  device: EnteringDevice = {},
): Promise<SignedIn> {
  const challenge = await challengeOf(app, person.phone, device);
  await freshenCodes(app, person.userId);
  const token = codeOf(person.secret);
  const answer = await app.clients.auth.verifyTwoFactor({ challenge, token });
  return {
    phone: person.phone,
    accessToken: answer.accessToken ?? '',
    refreshToken: answer.refreshToken ?? '',
    userId: answer.userId ?? '',
    deviceId: answer.deviceId ?? '',
    sessionId: answer.sessionId ?? '',
  };
}

/** Login with a verification that is confirmed. */
export function loginWith(app: TestApp, verificationId: string, device: EnteringDevice) {
  const { deviceId = randomUUID(), deviceName = 'Next device', identityKey } = device;
  const signalKeyBundle = legacyBundle(identityKey);
  const about = { verificationId, deviceId, deviceName, deviceType: 'android' };
  return app.clients.auth.login({ ...about, signalKeyBundle });
}
