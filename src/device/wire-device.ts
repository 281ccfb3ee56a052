import { create, toJsonString } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { DeviceLimitSchema, LegacyDeviceSchema } from '../../gen/whispr/device/v1/device_pb.ts';
import type { DeviceSchema } from '../../gen/whispr/device/v1/device_pb.ts';
import type { ErrorDetail } from '../errors.ts';
import type { AccountDevices } from './list-of-accounts.ts';
import { printable } from './printable.ts';
import type { DeviceDescription, DeviceRow } from './store.ts';

/** The fields that every message of a device that signs in has. */
interface DescribingMessage {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly deviceType: string;
  readonly model: string;
  readonly osVersion: string;
  readonly appVersion: string;
}

const UNNAMED = 'Unnamed device';

/** What a client says of itself. UUIDs are compared in lower case everywhere. */
export function describedDevice(message: DescribingMessage): DeviceDescription {
  const { deviceType, deviceName } = message;
  return {
    id: message.deviceId.toLowerCase(),
    name: printable(deviceName) || printable(deviceType) || UNNAMED,
    platform: printable(deviceType),
    model: printable(message.model),
    osVersion: printable(message.osVersion),
    appVersion: printable(message.appVersion),
  };
}

/** `currentId` is the bearer's device; nobody's before a login. */
export function wireDevice(row: DeviceRow, currentId = ''): MessageInitShape<typeof DeviceSchema> {
  return {
    id: row.id,
    name: row.name,
    platform: row.platform,
    model: row.model,
    osVersion: row.osVersion,
    appVersion: row.appVersion,
    createTime: timestampFromDate(row.createdAt),
    lastActiveTime: timestampFromDate(row.lastActiveAt),
    isCurrent: row.id === currentId,
    isActive: row.isActive,
    isVerified: row.isVerified,
    isReplaceable: row.isReplaceable,
  };
}

/** The devices of an account, as another service reads them: none is current. */
export function wireUserDevices({ accountId, devices }: AccountDevices) {
  return { userId: accountId, devices: devices.map((row) => wireDevice(row)) };
}

/** The bare JSON array that the deployed app reads. */
export function legacyDevicesJson(rows: readonly DeviceRow[], currentId: string): string {
  const items = rows.map((row) => {
    const device = create(LegacyDeviceSchema, {
      id: row.id,
      name: row.name,
      platform: row.platform,
      lastActive: timestampFromDate(row.lastActiveAt),
      isCurrent: row.id === currentId,
    });
    return toJsonString(LegacyDeviceSchema, device, { alwaysEmitImplicit: true });
  });
  return `[${items.join(',')}]`;
}

/** The detail of DEVICE_LIMIT: what the person may choose from, longest unused first. */
export function deviceLimitDetail(limit: number, rows: readonly DeviceRow[]): ErrorDetail {
  const devices = rows.map((row) => wireDevice(row)).reverse();
  return { desc: DeviceLimitSchema, value: create(DeviceLimitSchema, { limit, devices }) };
}
