import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { OutboxEventSchema } from '../../gen/whispr/events/v1/event_pb.ts';
import { SecurityEventKindSchema } from '../../gen/whispr/notification/v1/notification_service_pb.ts';
import { signEs256 } from '../../src/token/es256.ts';
import type { StartLinkResponse } from '../../gen/whispr/device/v1/link_pb.ts';
import type { TestApp } from './app.ts';
import { bearer } from './client.ts';
import type { Clients } from './client.ts';
import { newAddress } from './person.ts';

/** The part of a device that QR login needs: a key that lives in its memory only. */
export interface EphemeralKey {
  readonly privateKey: KeyObject;
  /** Uncompressed point: 0x04, x, y. */
  readonly publicKey: Uint8Array;
}

export function ephemeralKey(): EphemeralKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const point = [x, y].map((part) => Buffer.from(part, 'base64url'));
  return { privateKey, publicKey: Buffer.concat([Buffer.from([4]), ...point]) };
}

/** r and s over a text, as WebCrypto makes them. */
export function signed({ privateKey }: EphemeralKey, text: string): Buffer {
  return Buffer.from(signEs256(text, privateKey), 'base64url');
}

/** A device that shows a QR code, and what it was told. */
export interface NewDevice {
  readonly key: EphemeralKey;
  readonly deviceId: string;
  readonly clients: Clients;
  readonly started: StartLinkResponse;
}

/** The new device asks for a challenge, from an address of its own. */
export async function startDevice(
  app: TestApp,
  options: { address?: string; deviceId?: string; key?: EphemeralKey } = {},
): Promise<NewDevice> {
  const { address = newAddress(), deviceId = randomUUID(), key = ephemeralKey() } = options;
  const clients = app.clientsAt(address);
  const started = await clients.device.startLink({
    ephemeralPublicKey: key.publicKey,
    deviceId,
    deviceName: 'Firefox on Linux',
    deviceType: 'web',
    model: 'ThinkPad',
    osVersion: '6.12',
    appVersion: '2.4.1',
  });
  return { key, deviceId, clients, started };
}

/** The next QR code of a device that has `reissuesLeft` of them. */
export function reissue({ key, clients, started }: NewDevice, reissuesLeft: number) {
  const { challengeId } = started;
  const signature = signed(key, `whispr-qr-reissue-v1${challengeId}${reissuesLeft}`);
  return clients.device.reissueLinkCode({ challengeId, signature });
}

interface Owner {
  readonly accessToken: string;
}

export function scan(app: TestApp, owner: Owner, { started }: Pick<NewDevice, 'started'>) {
  return app.clients.device.scanLink({ qrText: started.qrText }, bearer(owner.accessToken));
}

/** Agrees, with the number that the device shows or with another one. */
export function approve(
  app: TestApp,
  owner: Owner,
  { started, number }: Pick<NewDevice, 'started'> & { readonly number?: string | undefined },
) {
  const { challengeId } = started;
  const request = { challengeId, confirmationNumber: number ?? started.confirmationNumber };
  return app.clients.device.approveLink(request, bearer(owner.accessToken));
}

/** A number that the device does not show. */
export function wrongNumber({ started }: Pick<NewDevice, 'started'>): string {
  return started.confirmationNumber === '00' ? '01' : '00';
}

export function complete(device: NewDevice, more: { replaceDeviceId?: string } = {}) {
  const { challengeId } = device.started;
  const signature = signed(device.key, `whispr-qr-v1${challengeId}`);
  return device.clients.device.completeLink({ challengeId, signature, ...more });
}

/** A device that the owner scanned and approved. */
export async function approvedDevice(
  app: TestApp,
  owner: Owner,
  options: { deviceId?: string } = {},
): Promise<NewDevice> {
  const device = await startDevice(app, options);
  await scan(app, owner, device);
  await approve(app, owner, device);
  return device;
}

/** Kinds of the security events that an account was told of, oldest first. */
export async function toldOf(app: TestApp, accountId: string): Promise<string[]> {
  const rows = await app.sql<{ payload: Buffer }>(
    `SELECT payload FROM outbox WHERE account_id = $1 AND type = 'security' ORDER BY id`,
    [accountId],
  );
  return rows.flatMap(({ payload }) => {
    const event = fromBinary(OutboxEventSchema, payload).payload;
    if (event.case !== 'securityEvent') return [];
    return [SecurityEventKindSchema.value[event.value.kind]?.localName ?? ''];
  });
}

/** Audit rows of QR logins of an account, oldest first: type, and the reason of a refusal. */
export async function auditOf(app: TestApp, accountId: string): Promise<(string | null)[][]> {
  const rows = await app.sql<{ type: string; reason: string | null }>(
    `SELECT type, reason FROM audit_events WHERE account_id = $1 AND type LIKE 'link.%'
      ORDER BY created_at, id`,
    [accountId],
  );
  return rows.map(({ type, reason }) => (reason === null ? [type] : [type, reason]));
}
