import type { ServiceImpl } from '@connectrpc/connect';
import type { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { principalOf } from '../rpc/call.ts';
import { listEveryDevice, listOwnDevices } from './list.ts';
import type { ListDeps } from './list.ts';
import { legacyDevicesJson, wireDevice } from './wire-device.ts';

export type DeviceSlice = Pick<
  ServiceImpl<typeof DeviceService>,
  'listDevices' | 'listDevicesAsArray'
>;

/** The lists of DeviceService. */
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
  };
}
