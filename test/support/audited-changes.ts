import { randomUUID } from 'node:crypto';
import { ageSession, proveNewNumber, proveOldNumber } from './account.ts';
import type { TestApp } from './app.ts';
import { bearer } from './client.ts';
import { approvedDevice, scan, signed, startDevice } from './link.ts';
import { prove, registerPerson, signIn } from './person.ts';
import type { SignedIn } from './person.ts';
import { challengeOf, codeOf, freshenCodes, registerTwoFactorPerson } from './two-factor-person.ts';

interface Call {
  readonly headers: Readonly<Record<string, string>>;
}

/** Everything that a call needs is there; the call itself is made later, with headers of its own. */
type Prepared = (call: Call) => Promise<unknown>;

/** How each method that changes an account is called so that it does. */
export const CHANGES: Readonly<Record<string, (app: TestApp) => Promise<Prepared>>> = {
  Register: async (app) => {
    const { verificationId } = await prove(app, 'register');
    return (call) => app.clients.auth.register({ verificationId, ...newDevice() }, call);
  },
  Login: async (app) => {
    const { phone } = await registerPerson(app);
    const { verificationId } = await prove(app, 'login', { phone });
    return (call) => app.clients.auth.login({ verificationId, ...newDevice() }, call);
  },
  Logout: async (app) => asPerson(await registerPerson(app), app.clients.auth.logout),
  RevokeSession: async (app) => {
    const owner = await registerPerson(app);
    const { sessionId } = await signIn(app, owner.phone);
    return asPerson(owner, (_none, call) => app.clients.auth.revokeSession({ sessionId }, call));
  },
  RevokeOtherSessions: async (app) =>
    asPerson(await withSecondDevice(app), app.clients.auth.revokeOtherSessions),
  RevokeAllSessions: async (app) =>
    asPerson(await withSecondDevice(app), app.clients.auth.revokeAllSessions),
  SetUpTwoFactor: async (app) =>
    asPerson(await registerPerson(app), app.clients.auth.setUpTwoFactor),
  EnableTwoFactor: async (app) => {
    const person = await registerPerson(app);
    const { secret } = await app.clients.auth.setUpTwoFactor({}, bearer(person.accessToken));
    const token = codeOf(secret);
    return asPerson(person, (_none, call) => app.clients.auth.enableTwoFactor({ token }, call));
  },
  VerifyTwoFactor: async (app) => {
    const person = await registerTwoFactorPerson(app);
    const challenge = await challengeOf(app, person.phone);
    const token = codeOf(person.secret);
    return (call) => app.clients.auth.verifyTwoFactor({ challenge, token }, call);
  },
  DisableTwoFactor: async (app) => {
    const person = await registerTwoFactorPerson(app);
    const token = codeOf(person.secret);
    return asPerson(person, (_none, call) => app.clients.auth.disableTwoFactor({ token }, call));
  },
  RegenerateBackupCodes: async (app) => {
    const person = await registerTwoFactorPerson(app);
    const token = codeOf(person.secret);
    const { auth } = app.clients;
    return asPerson(person, (_none, call) => auth.regenerateBackupCodes({ token }, call));
  },
  UseBackupCode: async (app) => {
    const person = await registerTwoFactorPerson(app);
    const token = person.backupCodes[0] ?? '';
    return asPerson(person, (_none, call) => app.clients.auth.useBackupCode({ token }, call));
  },
  ApproveStepUp: async (app) => {
    const owner = await registerPerson(app);
    const { sessionId } = await signIn(app, owner.phone);
    return asPerson(owner, (_none, call) => app.clients.auth.approveStepUp({ sessionId }, call));
  },
  ChangePhoneNumber: async (app) => {
    const person = await registerPerson(app);
    const { verificationId } = await proveNewNumber(app, person);
    const oldNumberVerificationId = await proveOldNumber(app, person);
    const proofs = { newNumberVerificationId: verificationId, oldNumberVerificationId };
    return asPerson(person, (_none, call) => app.clients.auth.changePhoneNumber(proofs, call));
  },
  LiftNumberRefusal: async (app) => {
    const person = await registerPerson(app);
    await app.sql('UPDATE phone_counters SET failures = 1000 WHERE last_success_at > $1', [
      new Date(Date.now() - 5_000),
    ]);
    return asPerson(person, app.clients.auth.liftNumberRefusal);
  },
  DeleteAccount: async (app) => asPerson(await registerPerson(app), app.clients.auth.deleteAccount),
  LockDownAccount: async (app) =>
    asPerson(await registerPerson(app), app.clients.auth.lockDownAccount),
  LiftLockdown: async (app) => {
    const person = await registerTwoFactorPerson(app);
    const { verificationId } = await prove(app, 'login', { phone: person.phone });
    await app.clients.auth.lockDownAccount({}, bearer(person.accessToken));
    await freshenCodes(app, person.userId);
    const token = codeOf(person.secret);
    return (call) => app.clients.auth.liftLockdown({ verificationId, token }, call);
  },
  StartRecovery: async (app) => {
    const { phone } = await registerTwoFactorPerson(app);
    const { verificationId } = await prove(app, 'login', { phone });
    return (call) => app.clients.auth.startRecovery({ verificationId }, call);
  },
  CancelRecovery: async (app) => {
    const person = await registerTwoFactorPerson(app);
    const recoveryId = await startRecovery(app, person);
    const { auth } = app.clients;
    return asPerson(person, (_none, call) => auth.cancelRecovery({ recoveryId }, call));
  },
  CompleteRecovery: async (app) => {
    const { userId, phone } = await registerTwoFactorPerson(app);
    const recoveryId = await startRecovery(app, { phone });
    await app.sql(
      `UPDATE recoveries SET created_at = created_at - interval '8 days',
              ready_at = ready_at - interval '8 days' WHERE user_id = $1`,
      [userId],
    );
    const { verificationId } = await prove(app, 'login', { phone });
    return (call) => app.clients.auth.completeRecovery({ recoveryId, verificationId }, call);
  },
  RenameDevice: async (app) => {
    const person = await registerPerson(app);
    const wish = { deviceId: person.deviceId, changes: { name: 'Another name' } };
    return asPerson(person, (_none, call) => app.clients.device.renameDevice(wish, call));
  },
  RevokeDevice: async (app) => {
    const owner = await registerPerson(app);
    const { deviceId } = await signIn(app, owner.phone);
    return asPerson(owner, (_none, call) => app.clients.device.revokeDevice({ deviceId }, call));
  },
  RevokeOtherDevices: async (app) =>
    asPerson(await withSecondDevice(app), app.clients.device.revokeOtherDevices),
  ScanLink: async (app) => {
    const person = await registerPerson(app);
    const { qrText } = (await startDevice(app)).started;
    return asPerson(person, (_none, call) => app.clients.device.scanLink({ qrText }, call));
  },
  ApproveLink: async (app) => {
    const person = await registerPerson(app);
    const device = await startDevice(app);
    await scan(app, person, device);
    const { challengeId, confirmationNumber } = device.started;
    const request = { challengeId, confirmationNumber };
    return asPerson(person, (_none, call) => app.clients.device.approveLink(request, call));
  },
  DeclineLink: async (app) => {
    const person = await registerPerson(app);
    const device = await startDevice(app);
    await scan(app, person, device);
    const { challengeId } = device.started;
    return asPerson(person, (_none, call) => app.clients.device.declineLink({ challengeId }, call));
  },
  CompleteLink: async (app) => {
    const person = await registerPerson(app);
    await ageSession(app, person.sessionId, 2);
    const { started, key } = await approvedDevice(app, person);
    const { challengeId } = started;
    const signature = signed(key, `whispr-qr-v1${challengeId}`);
    return (call) => app.clients.device.completeLink({ challengeId, signature }, call);
  },
};

/** Methods with side effects that leave no audit row of their own, and why. */
export const UNAUDITED: Readonly<Record<string, string>> = {
  RequestRegisterVerification: 'counts a send; a refusal by the fraud guard is audited',
  RequestLoginVerification: 'the same',
  RequestOldNumberVerification: 'the same',
  RequestNewNumberVerification: 'the same',
  ConfirmRegisterVerification: 'marks a record in Redis; a wrong code is audited',
  ConfirmLoginVerification: 'the same',
  ConfirmOldNumberVerification: 'the same',
  ConfirmNewNumberVerification: 'the same',
  RefreshTokens: 'the next counter of a session; what is late or reused is audited',
  CreateWsToken: 'signs a token and stores nothing',
  StartLink: 'a record in Redis of a device that belongs to nobody yet',
  ReissueLinkCode: 'the same',
  ReceiveDeliveryReceipt: 'its row is the record; no account takes part',
};

function newDevice() {
  return { deviceId: randomUUID(), deviceName: 'New device', deviceType: 'web' };
}

function asPerson(
  { accessToken }: Pick<SignedIn, 'accessToken'>,
  send: (none: Record<string, never>, call: Call) => Promise<unknown>,
): Prepared {
  return (call) => send({}, { headers: { ...call.headers, ...bearer(accessToken).headers } });
}

async function withSecondDevice(app: TestApp): Promise<SignedIn> {
  const owner = await registerPerson(app);
  await signIn(app, owner.phone);
  return owner;
}

async function startRecovery(app: TestApp, { phone }: Pick<SignedIn, 'phone'>): Promise<string> {
  const { verificationId } = await prove(app, 'login', { phone });
  return (await app.clients.auth.startRecovery({ verificationId })).recoveryId;
}
