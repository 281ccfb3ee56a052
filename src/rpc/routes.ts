import type { ServiceImpl } from '@connectrpc/connect';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { KeyDirectoryService } from '../../gen/whispr/keys/v1/key_directory_service_pb.ts';
import { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';
import { createAccountSlice } from '../account/rpc.ts';
import { createDeviceSlice } from '../device/rpc.ts';
import { createFactorSlice } from '../factor/rpc.ts';
import { createLinkSlice } from '../link/rpc.ts';
import { createRecoverySlice } from '../recovery/rpc.ts';
import { createSessionSlice } from '../session/rpc.ts';
import { createSignInSlice } from '../sign-in/rpc.ts';
import { createDeviceRemovalSlice, createSignOutSlice } from '../sign-out/rpc.ts';
import { createSmsSlice } from '../sms/rpc.ts';
import { createTokenSlice } from '../token/rpc.ts';
import { createHealthSlice } from './health-rpc.ts';
import { PENDING_KEYS } from './pending.ts';
import { route, unimplemented } from './route.ts';
import type { Route } from './route.ts';
import { createSwaggerSlice } from './swagger.ts';

/** Everything that any handler needs. */
export type RouteDeps = Parameters<typeof createAccountSlice>[0] &
  Parameters<typeof createDeviceSlice>[0] &
  Parameters<typeof createFactorSlice>[0] &
  Parameters<typeof createRecoverySlice>[0] &
  Parameters<typeof createSessionSlice>[0] &
  Parameters<typeof createSignInSlice>[0] &
  Parameters<typeof createSignOutSlice>[0] &
  Parameters<typeof createDeviceRemovalSlice>[0] &
  Parameters<typeof createLinkSlice>[0] &
  Parameters<typeof createSmsSlice>[0] &
  Parameters<typeof createTokenSlice>[0] &
  Parameters<typeof createHealthSlice>[0] & {
    readonly config: { readonly swaggerEnabled: boolean };
  };

/** Assembles each service from the slices of its features; a missing RPC does not compile. */
export function createRoutes(deps: RouteDeps): Route[] {
  const auth: ServiceImpl<typeof AuthService> = {
    ...createSignInSlice(deps),
    ...createSmsSlice(deps),
    ...createTokenSlice(deps),
    ...createSessionSlice(deps),
    ...createSignOutSlice(deps),
    ...createAccountSlice(deps),
    ...createFactorSlice(deps),
    ...createRecoverySlice(deps),
  };
  const device: ServiceImpl<typeof DeviceService> = {
    ...createDeviceSlice(deps),
    ...createDeviceRemovalSlice(deps),
    ...createLinkSlice(deps),
  };
  const keys: ServiceImpl<typeof KeyDirectoryService> = unimplemented(
    KeyDirectoryService,
    PENDING_KEYS,
  );
  const ops: ServiceImpl<typeof OpsService> = {
    ...createHealthSlice(deps),
    ...createSwaggerSlice({ isSwaggerOn: deps.config.swaggerEnabled }),
  };
  return [
    route(AuthService, auth),
    route(DeviceService, device),
    route(KeyDirectoryService, keys),
    route(OpsService, ops),
  ];
}
