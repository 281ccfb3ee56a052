import { randomUUID } from 'node:crypto';
import { getOption } from '@bufbuild/protobuf';
import type { DescMethod } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { KeyDirectoryService } from '../../gen/whispr/keys/v1/key_directory_service_pb.ts';
import { access, AccessLevel } from '../../gen/whispr/options/v1/access_pb.ts';
import { PENDING_KEYS } from '../../src/rpc/pending.ts';
import { proveNewNumber, proveOldNumber } from '../support/account.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, settle } from '../support/client.ts';
import { scan, startDevice } from '../support/link.ts';
import { newNumber, prove, registerPerson } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';
import { codeOf, registerTwoFactorPerson } from '../support/two-factor-person.ts';
import type { TwoFactorPerson } from '../support/two-factor-person.ts';

type As = ReturnType<typeof bearer>;
/** Calls a method as somebody else with ids of the victim; undefined = answered, without effect. */
type Attempt = (as: As) => Promise<unknown>;

let app: TestApp;
let victim: TwoFactorPerson;
let stranger: TwoFactorPerson;

beforeAll(async () => {
  app = await startApp();
  victim = await registerTwoFactorPerson(app);
  stranger = await registerTwoFactorPerson(app);
});
afterAll(() => app.stop());

/** Every method that a user calls with an id in it, and what a foreign one is answered with. */
const ATTEMPTS: Readonly<Record<string, readonly [expected: string, Attempt]>> = {
  revokeSession: [
    'SESSION_NOT_FOUND',
    (as) => app.clients.auth.revokeSession({ sessionId: victim.sessionId }, as),
  ],
  approveStepUp: [
    'SESSION_NOT_FOUND',
    (as) => app.clients.auth.approveStepUp({ sessionId: victim.sessionId }, as),
  ],
  listLoginHistory: ['OK', listHistory],
  verifyTwoFactor: [
    'OK',
    (as) =>
      app.clients.auth.verifyTwoFactor(
        { token: codeOf(stranger.secret), replaceDeviceId: victim.deviceId },
        as,
      ),
  ],
  useBackupCode: [
    'OK',
    (as) =>
      app.clients.auth.useBackupCode(
        { token: stranger.backupCodes[0] ?? '', replaceDeviceId: victim.deviceId },
        as,
      ),
  ],
  confirmOldNumberVerification: ['VERIFICATION_UNKNOWN', confirmOld],
  confirmNewNumberVerification: ['VERIFICATION_UNKNOWN', confirmNew],
  changePhoneNumber: ['VERIFICATION_UNKNOWN', changeNumber],
  cancelRecovery: ['RECOVERY_NOT_FOUND', cancelRecovery],
  getDevice: [
    'DEVICE_NOT_FOUND',
    (as) => app.clients.device.getDevice({ deviceId: victim.deviceId }, as),
  ],
  renameDevice: [
    'DEVICE_NOT_FOUND',
    (as) =>
      app.clients.device.renameDevice({ deviceId: victim.deviceId, changes: { name: 'Mine' } }, as),
  ],
  revokeDevice: [
    'DEVICE_NOT_FOUND',
    (as) => app.clients.device.revokeDevice({ deviceId: victim.deviceId }, as),
  ],
  approveLink: ['LINK_STATE_WRONG', approveScanned],
  declineLink: ['LINK_STATE_WRONG', declineScanned],
  // Last: it does end the caller’s own session.
  logout: [
    'OK',
    (as) => app.clients.auth.logout({ userId: victim.userId, deviceId: victim.deviceId }, as),
  ],
};

// OWASP API1:2023: an id in a request taken for the right to what it names.
describe('an id of somebody else', () => {
  test.each(Object.entries(ATTEMPTS))('does nothing in %s', async (_name, [expected, attempt]) => {
    const before = await stateOf(victim);
    const outcome = await settle(attempt(bearer(stranger.accessToken)));
    expect(outcome.status === 'ok' ? 'OK' : outcome.refusal.reason).toBe(expected);
    expect(await stateOf(victim)).toEqual(before);
    await app.clients.device.listDevices({}, bearer(victim.accessToken));
  });

  test('is tried above for every method that takes one', () => {
    const methods = [AuthService, DeviceService, KeyDirectoryService].flatMap(
      ({ methods: all }) => all,
    );
    const taking = methods
      .filter(isForUsers)
      .filter(takesId)
      .map(({ localName }) => localName);
    const pending: readonly string[] = PENDING_KEYS;
    const implemented = taking.filter((name) => !pending.includes(name));
    expect(implemented.sort()).toEqual(Object.keys(ATTEMPTS).sort());
  });

  test('is as unknown as one that nobody has', async () => {
    const as = bearer((await registerPerson(app)).accessToken);
    const answers = [];
    for (const { deviceId, sessionId } of [
      victim,
      { deviceId: randomUUID(), sessionId: randomUUID() },
    ]) {
      for (const call of [
        () => app.clients.device.getDevice({ deviceId }, as),
        () => app.clients.device.revokeDevice({ deviceId }, as),
        () => app.clients.auth.revokeSession({ sessionId }, as),
        () => app.clients.auth.approveStepUp({ sessionId }, as),
      ]) {
        const outcome = await settle<unknown>(call());
        if (outcome.status === 'ok') throw new Error('A foreign id was taken');
        const { code, reason, message, metadata } = outcome.refusal;
        answers.push({ code, reason, message, metadata });
      }
    }
    expect(answers.slice(0, 4)).toEqual(answers.slice(4));
  });
});

/** All that belongs to somebody, but the times of use. */
async function stateOf({ userId }: SignedIn): Promise<unknown> {
  return app.sql(
    `SELECT (SELECT to_jsonb(u) - 'updated_at' FROM users_auth u WHERE u.id = $1) AS account,
            (SELECT jsonb_agg(to_jsonb(s) - 'last_seen_at' ORDER BY s.id) FROM sessions s WHERE user_id = $1) AS sessions,
            (SELECT jsonb_agg(to_jsonb(d) - 'last_active' ORDER BY d.id) FROM devices d WHERE user_id = $1) AS devices,
            (SELECT to_jsonb(f) FROM two_factor_states f WHERE user_id = $1) AS factor,
            (SELECT count(*)::int FROM backup_codes WHERE user_id = $1 AND NOT used) AS codes`,
    [userId],
  );
}

function isForUsers(method: DescMethod): boolean {
  const level = getOption(method, access);
  return level === AccessLevel.USER || level === AccessLevel.OPTIONAL_USER;
}

function takesId({ input }: DescMethod): boolean {
  return input.fields.some(({ name }) => /_ids?$/.test(name));
}

async function listHistory(as: As): Promise<void> {
  const { entries } = await app.clients.auth.listLoginHistory({ deviceId: victim.deviceId }, as);
  expect(entries).toEqual([]);
}

async function confirmOld(as: As): Promise<unknown> {
  const { auth } = app.clients;
  const own = bearer(victim.accessToken);
  const { verificationId } = await auth.requestOldNumberVerification({}, own);
  const code = app.inbox.codeFor(victim.phone);
  return auth.confirmOldNumberVerification({ verificationId, code }, as);
}

async function confirmNew(as: As): Promise<unknown> {
  const { auth } = app.clients;
  const phoneNumber = newNumber();
  const own = bearer(victim.accessToken);
  const { verificationId } = await auth.requestNewNumberVerification({ phoneNumber }, own);
  const code = app.inbox.codeFor(phoneNumber);
  return auth.confirmNewNumberVerification({ verificationId, code }, as);
}

async function changeNumber(as: As): Promise<unknown> {
  const { verificationId } = await proveNewNumber(app, victim);
  const oldNumberVerificationId = await proveOldNumber(app, victim);
  const request = { newNumberVerificationId: verificationId, oldNumberVerificationId };
  return app.clients.auth.changePhoneNumber(request, as);
}

async function cancelRecovery(as: As): Promise<unknown> {
  const { verificationId } = await prove(app, 'login', { phone: victim.phone });
  const { recoveryId } = await app.clients.auth.startRecovery({ verificationId });
  const before = await app.clients.auth.getAccount({}, bearer(victim.accessToken));
  const outcome = await settle(app.clients.auth.cancelRecovery({ recoveryId }, as));
  expect(await app.clients.auth.getAccount({}, bearer(victim.accessToken))).toEqual(before);
  if (outcome.status === 'refused') throw outcome.refusal.error;
  return outcome.value;
}

async function approveScanned(as: As): Promise<unknown> {
  const { challengeId, confirmationNumber } = await scannedLink();
  return app.clients.device.approveLink({ challengeId, confirmationNumber }, as);
}

async function declineScanned(as: As): Promise<unknown> {
  const { challengeId } = await scannedLink();
  return app.clients.device.declineLink({ challengeId }, as);
}

async function scannedLink() {
  const device = await startDevice(app);
  await scan(app, victim, device);
  return device.started;
}
