import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DomainError } from '../errors.ts';
import { principalOf } from '../rpc/call.ts';
import { bearerOf } from '../rpc/origin.ts';
import type { ChangeDeps } from './authorize.ts';
import { disable } from './disable.ts';
import { enable } from './enable.ts';
import { regenerate } from './regenerate.ts';
import { setUp } from './set-up.ts';
import type { SetUpDeps } from './set-up.ts';
import { factorStatus, remainingCodes } from './status.ts';
import type { StatusDeps } from './status.ts';

export type FactorSlice = Pick<
  ServiceImpl<typeof AuthService>,
  | 'getTwoFactorStatus'
  | 'setUpTwoFactor'
  | 'enableTwoFactor'
  | 'disableTwoFactor'
  | 'getRemainingBackupCodes'
  | 'regenerateBackupCodes'
>;

/** Changing the second factor, as AuthService serves it. */
export function createFactorSlice(deps: ChangeDeps & SetUpDeps & StatusDeps): FactorSlice {
  return {
    getTwoFactorStatus: async (_request, context) => {
      const { enabledAt, isRefusing } = await factorStatus(deps, principalOf(context).accountId);
      const enableTime = enabledAt && timestampFromDate(enabledAt);
      return { enabled: enabledAt !== undefined, enableTime, refusing: isRefusing };
    },

    setUpTwoFactor: async (_request, context) => {
      const { expiresInSeconds, ...setup } = await setUp(deps, bearerOf(context));
      return { ...setup, expiresIn: expiresInSeconds };
    },

    enableTwoFactor: async (request, context) => {
      return { backupCodes: await enable(deps, bearerOf(context), codeOf(request)) };
    },

    disableTwoFactor: async (request, context) => {
      await disable(deps, bearerOf(context), codeOf(request));
      return {};
    },

    getRemainingBackupCodes: async (_request, context) => {
      return { remaining: await remainingCodes(deps, principalOf(context).accountId) };
    },

    regenerateBackupCodes: async (request, context) => {
      return { backupCodes: await regenerate(deps, bearerOf(context), codeOf(request)) };
    },
  };
}

/** The field's older name is read where the present one is empty. @throws VALIDATION_FAILED */
function codeOf({ token, code }: { token: string; code: string }): string {
  const given = token || code;
  if (given !== '') return given;
  const violations = [{ field: 'token', description: 'is required' }];
  throw new DomainError('VALIDATION_FAILED', 'Please enter a code.', { violations });
}
