import type { ServiceImpl } from '@connectrpc/connect';
import type { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { principalOf } from '../rpc/call.ts';
import { bearerOf } from '../rpc/origin.ts';
import { findDevice } from './find.ts';
import { listDevicesOfAccounts } from './list-of-accounts.ts';
import { listEveryDevice, listOwnDevices } from './list.ts';
import type { ListDeps } from './list.ts';
import { renameDevice } from './rename.ts';
import { legacyDevicesJson, wireDevice, wireUserDevices } from './wire-device.ts';

export type DeviceSlice = Pick<
  ServiceImpl<typeof DeviceService>,
  'listDevices' | 'listDevicesAsArray' | 'getDevice' | 'renameDevice' | 'listUserDevices'
>;

/** What DeviceService tells of devices, and their names. */
export function createDeviceSlice(deps: ListDeps): DeviceSlice {
  return {
    listDevices: async (request, context) => {
      const { accountId, deviceId } = principalOf(context);
      const page = await listOwnDevices(deps, accountId, request);
      const devices = page.devices.map((row) => wireDevice(row, deviceId));
      return { devices, nextPageToken: page.nextPageToken };
    },

    listDevicesAsArray: async (_request, context) => {
      const { accountId, deviceId } = principalOf(context);
      const devices = await listEveryDevice(deps, deps.db, accountId);
      const data = Buffer.from(legacyDevicesJson(devices, deviceId));
      return { contentType: 'application/json', data };
    },

    getDevice: async (request, context) => {
      const { accountId, deviceId } = principalOf(context);
      const row = await findDevice(deps, accountId, request.deviceId.toLowerCase());
      return { device: wireDevice(row, deviceId) };
    },

    renameDevice: async (request, context) => {
      const bearer = bearerOf(context);
      const name = request.changes?.name ?? '';
      const wish = { deviceId: request.deviceId.toLowerCase(), name };
      const row = await renameDevice(deps, bearer, wish);
      return { device: wireDevice(row, bearer.principal.deviceId) };
    },

    listUserDevices: async (request) => {
      const accountIds = request.userIds.map((id) => id.toLowerCase());
      return { users: (await listDevicesOfAccounts(deps, accountIds)).map(wireUserDevices) };
    },
  };
}
