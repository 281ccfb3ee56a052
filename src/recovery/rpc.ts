import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { bearerOf, originOf } from '../rpc/origin.ts';
import { cancelOwnRecovery, completeOwnRecovery } from './finish.ts';
import type { CancelDeps, CompleteDeps } from './finish.ts';
import { liftLockdown } from './lift-lockdown.ts';
import type { LiftLockdownDeps } from './lift-lockdown.ts';
import { lockDownAccount } from './lock-down.ts';
import type { LockDownDeps } from './lock-down.ts';
import { startRecovery } from './start.ts';
import type { StartDeps } from './start.ts';

export type RecoverySlice = Pick<
  ServiceImpl<typeof AuthService>,
  'lockDownAccount' | 'liftLockdown' | 'startRecovery' | 'cancelRecovery' | 'completeRecovery'
>;

type RecoveryDeps = LockDownDeps & LiftLockdownDeps & StartDeps & CancelDeps & CompleteDeps;

/** Locking an account down, and the way back into one, as AuthService serves them. */
export function createRecoverySlice(deps: RecoveryDeps): RecoverySlice {
  return {
    lockDownAccount: async (_request, context) => ({
      revokedCount: await lockDownAccount(deps, bearerOf(context)),
    }),

    liftLockdown: async (request, context) => {
      const verificationId = request.verificationId.toLowerCase();
      await liftLockdown(deps, { verificationId, token: request.token, origin: originOf(context) });
      return {};
    },

    startRecovery: async (request, context) => {
      const verificationId = request.verificationId.toLowerCase();
      const started = await startRecovery(deps, { verificationId, origin: originOf(context) });
      return { recoveryId: started.recoveryId, readyTime: timestampFromDate(started.readyAt) };
    },

    cancelRecovery: async (request, context) => {
      await cancelOwnRecovery(deps, bearerOf(context), request.recoveryId.toLowerCase());
      return {};
    },

    completeRecovery: async (request, context) => {
      await completeOwnRecovery(deps, {
        recoveryId: request.recoveryId.toLowerCase(),
        verificationId: request.verificationId.toLowerCase(),
        origin: originOf(context),
      });
      return {};
    },
  };
}
