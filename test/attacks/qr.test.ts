import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { LinkState } from '../../gen/whispr/device/v1/link_pb.ts';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer, countReasons, refusalOf, together } from '../support/client.ts';
import { approve, approvedDevice, auditOf, complete, reissue } from '../support/link.ts';
import { scan, startDevice, toldOf, wrongNumber } from '../support/link.ts';
import type { NewDevice } from '../support/link.ts';
import { registerPerson, signIn } from '../support/person.ts';
import type { SignedIn } from '../support/person.ts';

const clock = { aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs };
let app: TestApp;
let victim: SignedIn;
let attacker: SignedIn;

beforeAll(async () => {
  app = await startApp({ VERIFICATION_COOLDOWN_SECONDS: '0' }, { clock });
});
afterAll(() => app.stop());
beforeEach(async () => {
  clock.aheadMs = 0;
  [victim, attacker] = [await registerPerson(app), await registerPerson(app)];
});

// RFC 10027, cross-device consent phishing: the attacker starts the flow and shows the code to the victim.
describe('a QR code that an attacker relays to the victim', () => {
  test('shows the victim where it comes from: another network, and the place', async () => {
    const theirs = await startDevice(app, { address: '203.0.113.5' });
    const shown = await scan(app, victim, theirs);
    expect(shown).toMatchObject({ ipPrefix: '203.0.113.0/24', isSameNetwork: false });
    const { challengeId } = theirs.started;
    await app.clients.device.declineLink({ challengeId }, bearer(victim.accessToken));
    expect((await refusalOf(complete(theirs))).reason).toBe('LINK_NOT_FOUND');
  });

  test('is worth nothing without the number, which the victim does not see', async () => {
    const theirs = await startDevice(app);
    const shown = await scan(app, victim, theirs);
    expect(Object.values(shown)).not.toContain(theirs.started.confirmationNumber);
    const guess = approve(app, victim, { ...theirs, number: wrongNumber(theirs) });
    expect((await refusalOf(guess)).reason).toBe('LINK_NUMBER_WRONG');
    expect((await refusalOf(complete(theirs))).reason).toBe('LINK_NOT_FOUND');
  });

  test('is too old after 30 seconds, and the fifth fresh one is the last', async () => {
    const theirs = await startDevice(app);
    for (let left = 5; left > 0; left -= 1) {
      clock.aheadMs += 31_000;
      expect((await refusalOf(scan(app, victim, theirs))).reason).toBe('LINK_EXPIRED');
      theirs.started.qrText = (await reissue(theirs, left)).qrText;
    }
    clock.aheadMs += 31_000;
    expect((await refusalOf(reissue(theirs, 0))).reason).toBe('LINK_STATE_WRONG');
  });

  test('that was approved all the same opens a junior session, of which the owner is told', async () => {
    const theirs = await startDevice(app, { deviceId: victim.deviceId });
    await scan(app, victim, theirs);
    await approve(app, victim, theirs);
    const stolen = await complete(theirs);
    expect(await toldOf(app, victim.userId)).toEqual(['NEW_DEVICE']);
    const asThief = bearer(stolen.accessToken);
    const acts = [
      app.clients.auth.revokeSession({ sessionId: victim.sessionId }, asThief),
      app.clients.device.revokeDevice({ deviceId: victim.deviceId }, asThief),
    ];
    expect(await reasonsOf(acts)).toEqual(['STEP_UP_REQUIRED', 'STEP_UP_REQUIRED']);
  });
});

// RFC 10027, cross-device session phishing: whoever else saw the code uses it first, or after.
describe('a QR code that two people scan', () => {
  test.each([
    ['somebody else', () => attacker],
    ['the same session', () => victim],
  ])('is void at the second scan, by %s, and the first account is told', async (_name, second) => {
    const device = await startDevice(app);
    await scan(app, victim, device);
    expect((await refusalOf(scan(app, second(), device))).reason).toBe('LINK_SCANNED_TWICE');
    expect(await toldOf(app, victim.userId)).toEqual(['LINK_SCANNED_TWICE']);
    expect(await auditOf(app, victim.userId)).toContainEqual(['link.killed']);
    expect((await refusalOf(approve(app, victim, device))).reason).toBe('LINK_NOT_FOUND');
    expect((await refusalOf(complete(device))).reason).toBe('LINK_NOT_FOUND');
  });

  test('is void even when it was approved before', async () => {
    const device = await approvedDevice(app, victim);
    expect((await refusalOf(scan(app, attacker, device))).reason).toBe('LINK_SCANNED_TWICE');
    expect((await refusalOf(complete(device))).reason).toBe('LINK_NOT_FOUND');
  });

  test('is void even when the second scan came too late for the code', async () => {
    const device = await startDevice(app);
    await scan(app, victim, device);
    clock.aheadMs += 31_000;
    expect((await refusalOf(scan(app, attacker, device))).reason).toBe('LINK_SCANNED_TWICE');
    expect((await refusalOf(approve(app, victim, device))).reason).toBe('LINK_NOT_FOUND');
  });

  test('is void again for a third person, without another alert', async () => {
    const device = await startDevice(app);
    await scan(app, victim, device);
    for (const person of [attacker, attacker]) {
      expect((await refusalOf(scan(app, person, device))).reason).toBe('LINK_SCANNED_TWICE');
    }
    expect(await toldOf(app, victim.userId)).toHaveLength(1);
  });
});

describe('what is over', () => {
  test('stays over: nothing is scanned, approved or collected after five minutes', async () => {
    const [waiting, scanned] = [await startDevice(app), await startDevice(app)];
    const approved = await approvedDevice(app, victim);
    await scan(app, victim, scanned);
    clock.aheadMs += 301_000;
    const calls = [scan(app, victim, waiting), approve(app, victim, scanned), complete(approved)];
    expect(await reasonsOf(calls)).toEqual(calls.map(() => 'LINK_NOT_FOUND'));
  });

  test('is not replayed: tokens are answered once, approvals and scans count once', async () => {
    const device = await approvedDevice(app, victim);
    await complete(device);
    const calls = await together(8, () => complete(device));
    expect(countReasons(calls)).toEqual({ LINK_NOT_FOUND: 8 });
    expect((await refusalOf(approve(app, victim, device))).reason).toBe('LINK_NOT_FOUND');
    expect((await refusalOf(scan(app, victim, device))).reason).toBe('LINK_SCANNED_TWICE');
  });

  // Redis may lose or restore what it likes: that tokens were collected stands in PostgreSQL.
  test('is not collected again when its record comes back as it was before', async () => {
    const device = await approvedDevice(app, victim);
    const key = `qr_challenge:${device.started.challengeId}`;
    const record = await app.redis.hgetall(key);
    await complete(device);
    await app.redis.hset(key, record);
    expect((await refusalOf(complete(device))).reason).toBe('LINK_NOT_FOUND');
    const [row] = await app.sql<{ count: number }>(
      'SELECT count(*)::int AS count FROM sessions WHERE device_id = $1',
      [device.deviceId],
    );
    expect(row?.count).toBe(1);
  });

  test('is void where a fail-over brought an older record back: no second scan, no second try', async () => {
    const [scanned, approved] = [await startDevice(app), await approvedDevice(app, victim)];
    await scan(app, victim, scanned);
    for (const { started } of [scanned, approved]) {
      const key = `qr_challenge:${started.challengeId}`;
      await app.redis.hset(key, 'replid', 'of-the-primary-before');
    }
    const { challengeId } = approved.started;
    const calls = [
      scan(app, victim, scanned),
      approve(app, victim, scanned),
      complete(approved),
      reissue(approved, 5),
      app.clients.device.getLink({ challengeId }),
      app.clients.device.declineLink({ challengeId }, bearer(victim.accessToken)),
    ];
    expect(await reasonsOf(calls)).toEqual(calls.map(() => 'LINK_NOT_FOUND'));
  });
});

describe('the number', () => {
  test('has one try: a wrong one ends the challenge, with an audit row, and the right one is too late', async () => {
    const device = await startDevice(app);
    await scan(app, victim, device);
    const wrong = approve(app, victim, { ...device, number: wrongNumber(device) });
    expect((await refusalOf(wrong)).reason).toBe('LINK_NUMBER_WRONG');
    expect((await refusalOf(approve(app, victim, device))).reason).toBe('LINK_NOT_FOUND');
    expect(await stateOf(device)).toBe(LinkState.DECLINED);
    expect(await auditOf(app, victim.userId)).toContainEqual([
      'link.approved',
      'LINK_NUMBER_WRONG',
    ]);
  });

  test('cannot be tried by another account, nor its try be used up', async () => {
    const device = await startDevice(app);
    await scan(app, victim, device);
    for (const number of [undefined, wrongNumber(device)]) {
      const foreign = approve(app, attacker, { ...device, number });
      expect((await refusalOf(foreign)).reason).toBe('LINK_STATE_WRONG');
    }
    const { challengeId } = device.started;
    const decline = app.clients.device.declineLink({ challengeId }, bearer(attacker.accessToken));
    expect((await refusalOf(decline)).reason).toBe('LINK_STATE_WRONG');
    await approve(app, victim, device);
    await complete(device);
  });

  test('cannot be tried before the scan', async () => {
    const early = approve(app, attacker, await startDevice(app));
    expect((await refusalOf(early)).reason).toBe('LINK_STATE_WRONG');
  });
});

describe('an approval', () => {
  test('is refused to a junior session, whose try is not used up', async () => {
    const junior = await signIn(app, victim.phone);
    const device = await startDevice(app);
    await scan(app, junior, device);
    expect((await refusalOf(approve(app, junior, device))).reason).toBe('STEP_UP_REQUIRED');
    await app.sql('UPDATE sessions SET stepped_up_at = now() WHERE id = $1', [junior.sessionId]);
    await approve(app, junior, device);
  });

  test('is refused to a session that was itself linked by QR', async () => {
    const linked = await complete(await approvedDevice(app, victim));
    const next = await startDevice(app);
    await scan(app, linked, next);
    expect((await refusalOf(approve(app, linked, next))).reason).toBe('STEP_UP_REQUIRED');
  });

  test('is refused to a session that ended', async () => {
    const device = await startDevice(app);
    await scan(app, victim, device);
    await app.clients.auth.logout({}, bearer(victim.accessToken));
    expect((await refusalOf(approve(app, victim, device))).reason).toBe('SESSION_REVOKED');
  });

  test('is refused to another session of the account than the one that scanned', async () => {
    const other = await signIn(app, victim.phone);
    const device = await startDevice(app);
    await scan(app, other, device);
    expect((await refusalOf(approve(app, victim, device))).reason).toBe('LINK_STATE_WRONG');
  });

  test('ends with the session that gave it', async () => {
    const device = await approvedDevice(app, victim);
    await app.clients.auth.logout({}, bearer(victim.accessToken));
    expect((await refusalOf(complete(device))).reason).toBe('SESSION_REVOKED');
    const [row] = await app.sql(
      `SELECT type, reason FROM audit_events WHERE device_id = $1 AND account_id = $2`,
      [device.deviceId, victim.userId],
    );
    expect(row).toEqual({ type: 'session.refused', reason: 'SESSION_REVOKED' });
  });
});

async function stateOf({ started }: NewDevice): Promise<LinkState> {
  return (await app.clients.device.getLink({ challengeId: started.challengeId })).state;
}

async function reasonsOf(calls: readonly Promise<unknown>[]): Promise<string[]> {
  return (await Promise.all(calls.map(refusalOf))).map(({ reason }) => reason);
}
