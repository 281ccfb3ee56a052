import { create, toJsonString } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { DeviceLimitSchema, LegacyDeviceSchema } from '../../gen/whispr/device/v1/device_pb.ts';
import type { DeviceSchema } from '../../gen/whispr/device/v1/device_pb.ts';
import type { ErrorDetail } from '../errors.ts';
import type { DeviceRow } from './store.ts';

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
    isActive: true,
    isVerified: row.isVerified,
    isReplaceable: row.isReplaceable,
  };
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
