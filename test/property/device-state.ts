import { expect } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { SERVICE_TEST_TOKEN } from '../support/app.ts';
import { bearer, settle } from '../support/client.ts';
import { prove } from '../support/person.ts';
import { answerOf, pick, SIGNED_OUT } from './command.ts';
import { devicesInUse, isReplaceable } from './device-model.ts';
import type { DeviceModel, Entrant } from './device-model.ts';
import { holderOf, refresh } from './holder.ts';
import type { Holder } from './holder.ts';
import { isLiving } from './session-model.ts';
import type { World } from './world.ts';

export interface Real {
  readonly phone: string;
  /** As the model's devices and sessions. */
  readonly deviceIds: string[];
  readonly holders: Holder[];
  /** Identity keys that devices bring. */
  readonly identities: readonly Uint8Array[];
  /** A proven number whose login was refused. */
  unspent: string | undefined;
}

/** The account's first device registers it; the other ids are not named yet. */
export async function begin(world: World, ids: number): Promise<Real> {
  const { phone, verificationId } = await prove(world.app, 'register');
  const deviceIds = Array.from({ length: ids }, () => randomUUID());
  const identities = [randomBytes(32), randomBytes(32)];
  const tokens = await world.app.clients.auth.register({
    verificationId,
    deviceId: pick(deviceIds, 0),
    deviceName: 'First device',
    deviceType: 'ios',
    signalKeyBundle: bundleOf({ identities }, 0),
  });
  const holders = [holderOf(world, tokens)];
  return { phone, deviceIds, identities, holders, unspent: undefined };
}

/** A bundle with one one-time key: how many there are is no matter here. */
function bundleOf({ identities }: Pick<Real, 'identities'>, identity: number) {
  const key = () => ({ keyId: 1, publicKey: randomBytes(32) });
  return {
    identityKey: pick(identities, identity),
    signedPreKey: { ...key(), signature: randomBytes(64) },
    preKeys: [key()],
  };
}

/** A login with a proven number. */
export function present(
  { app }: World,
  real: Real,
  entrant: Entrant & { readonly verificationId: string },
) {
  return app.clients.auth.login({
    verificationId: entrant.verificationId,
    deviceId: pick(real.deviceIds, entrant.device),
    deviceName: entrant.name,
    deviceType: 'android',
    signalKeyBundle: bundleOf(real, entrant.identity),
    ...(entrant.replace === undefined
      ? {}
      : { replaceDeviceId: pick(real.deviceIds, entrant.replace) }),
  });
}

/** An id of the server's own making is one that nobody had. */
export function keep(real: Real, holder: Holder, device: number): void {
  expect(real.deviceIds.indexOf(holder.deviceId)).toBe(
    device < real.deviceIds.length ? device : -1,
  );
  if (device === real.deviceIds.length) real.deviceIds.push(holder.deviceId);
  real.holders.push(holder);
}

/** What the service tells and the stores keep must be what the model says, after every command. */
export async function expectSameState(world: World, model: DeviceModel, real: Real): Promise<void> {
  const { deviceIds, holders } = real;
  const userIds = [pick(holders, 0).userId];
  const asService = { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } };
  const { users } = await world.app.clients.device.listUserDevices({ userIds }, asService);
  const listed = users.flatMap(({ devices }) => devices);
  expect(
    listed.map(({ id, name, isReplaceable: is }) => [deviceIds.indexOf(id), name, is]),
  ).toEqual(
    devicesInUse(model).map((at) => [at, model.devices[at]?.name, isReplaceable(model, at)]),
  );
  const rows = await world.app.sql(
    `SELECT array(SELECT id FROM devices WHERE is_active ORDER BY id) AS known,
            array(SELECT device_id FROM identity_keys ORDER BY device_id) AS "withKeys",
            array(SELECT id FROM sessions WHERE revoked_at IS NULL ORDER BY id) AS living,
            (SELECT count(*)::int FROM outbox WHERE type = 'device.revoked') AS removals`,
  );
  const idsOf = (is: (device: DeviceModel['devices'][number]) => boolean) =>
    deviceIds.filter((_id, index) => is(pick(model.devices, index))).sort();
  expect(rows).toEqual([
    {
      known: idsOf(({ isKnown }) => isKnown),
      withKeys: idsOf(({ identity }) => identity !== undefined),
      living: model.sessions
        .filter((session) => isLiving(model, session))
        .map(({ index }) => pick(holders, index).sessionId)
        .sort(),
      removals: model.removals,
    },
  ]);
}

/** No token of a session that has ended is good for anything, whatever signed in on its device since. */
export async function expectDead(world: World, holder: Holder): Promise<void> {
  expect(await refresh(world, holder)).toBe(false);
  const listing = world.app.clients.device.listDevices({}, bearer(holder.accessToken));
  expect(answerOf(await settle(listing))).toBe(SIGNED_OUT);
}
