import type { ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import type { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { bearerOf } from '../rpc/origin.ts';
import { logOut, revokeAllSessions, revokeOtherSessions, revokeSession } from './end-session.ts';
import type { EndSessionDeps } from './end-session.ts';
import { revokeDevice, revokeOtherDevices } from './revoke-device.ts';
import type { RevokeDeviceDeps } from './revoke-device.ts';

export type SignOutSlice = Pick<
  ServiceImpl<typeof AuthService>,
  'logout' | 'revokeSession' | 'revokeOtherSessions' | 'revokeAllSessions'
>;

/** Ending sessions, as AuthService serves it. */
export function createSignOutSlice(deps: EndSessionDeps): SignOutSlice {
  return {
    logout: async (request, context) => {
      await logOut(deps, bearerOf(context), request);
      return {};
    },

    revokeSession: async (request, context) => {
      await revokeSession(deps, bearerOf(context), request.sessionId);
      return {};
    },

    revokeOtherSessions: async (_request, context) => ({
      revokedCount: await revokeOtherSessions(deps, bearerOf(context)),
    }),

    revokeAllSessions: async (_request, context) => ({
      revokedCount: await revokeAllSessions(deps, bearerOf(context)),
    }),
  };
}

export type DeviceRemovalSlice = Pick<
  ServiceImpl<typeof DeviceService>,
  'revokeDevice' | 'revokeOtherDevices'
>;

/** Removing devices, as DeviceService serves it. */
export function createDeviceRemovalSlice(deps: RevokeDeviceDeps): DeviceRemovalSlice {
  return {
    revokeDevice: async (request, context) => {
      await revokeDevice(deps, bearerOf(context), request.deviceId.toLowerCase());
      return {};
    },

    revokeOtherDevices: async (_request, context) => ({
      revokedCount: await revokeOtherDevices(deps, bearerOf(context)),
    }),
  };
}
