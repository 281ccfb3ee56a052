import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { maskNumber } from '../phone/number.ts';
import type { RequestedCode } from '../phone/request.ts';
import { principalOf } from '../rpc/call.ts';
import { bearerOf } from '../rpc/origin.ts';
import { showQuotas } from '../rpc/rate-limit.ts';
import { changePhoneNumber } from './change-number.ts';
import type { ChangeNumberDeps } from './change-number.ts';
import { deleteAccount } from './delete-account.ts';
import type { DeleteAccountDeps } from './delete-account.ts';
import { getOwnAccount, liftNumberRefusal } from './get-account.ts';
import type { OwnAccount, OwnAccountDeps } from './get-account.ts';
import { listOwnAuditEvents } from './list-audit-events.ts';
import { listOwnLoginHistory } from './list-login-history.ts';
import type { ListHistoryDeps } from './list-login-history.ts';
import { confirmNumber, requestNewNumber, requestOldNumber } from './own-number.ts';
import type { ChangePurpose, OwnNumberDeps } from './own-number.ts';
import { wireAuditEvent, wireLogin } from './wire-history.ts';

export type AccountSlice = Pick<
  ServiceImpl<typeof AuthService>,
  | 'listLoginHistory'
  | 'listAuditEvents'
  | 'getAccount'
  | 'requestOldNumberVerification'
  | 'confirmOldNumberVerification'
  | 'requestNewNumberVerification'
  | 'confirmNewNumberVerification'
  | 'changePhoneNumber'
  | 'liftNumberRefusal'
  | 'deleteAccount'
>;

type AccountDeps = ListHistoryDeps &
  OwnAccountDeps &
  OwnNumberDeps &
  ChangeNumberDeps &
  DeleteAccountDeps;

/** What the owner of an account does with it, as AuthService serves it. */
export function createAccountSlice(deps: AccountDeps): AccountSlice {
  return { ...historyPart(deps), ...numberPart(deps), ...lifePart(deps) };
}

function historyPart(
  deps: ListHistoryDeps,
): Pick<AccountSlice, 'listLoginHistory' | 'listAuditEvents'> {
  return {
    listLoginHistory: async (request, context) => {
      const page = await listOwnLoginHistory(deps, principalOf(context).accountId, request);
      return { entries: page.entries.map(wireLogin), nextPageToken: page.nextPageToken };
    },

    listAuditEvents: async (request, context) => {
      const page = await listOwnAuditEvents(deps, principalOf(context).accountId, request);
      return { events: page.events.map(wireAuditEvent), nextPageToken: page.nextPageToken };
    },
  };
}

function numberPart(deps: OwnNumberDeps & ChangeNumberDeps) {
  return {
    requestOldNumberVerification: async (_request, context) =>
      wireRequested(context, await requestOldNumber(deps, bearerOf(context))),

    confirmOldNumberVerification: (request, context) =>
      confirm(deps, 'change_old', [request, context]),

    requestNewNumberVerification: async (request, context) =>
      wireRequested(context, await requestNewNumber(deps, bearerOf(context), request.phoneNumber)),

    confirmNewNumberVerification: (request, context) =>
      confirm(deps, 'change_new', [request, context]),

    changePhoneNumber: async (request, context) => {
      const phone = await changePhoneNumber(deps, bearerOf(context), {
        newVerificationId: request.newNumberVerificationId.toLowerCase(),
        oldVerificationId: request.oldNumberVerificationId?.toLowerCase(),
        token: request.token,
      });
      return { maskedPhoneNumber: maskNumber(phone) };
    },
  } satisfies Partial<AccountSlice>;
}

function lifePart(deps: OwnAccountDeps & DeleteAccountDeps) {
  return {
    getAccount: async (_request, context) => {
      const bearer = bearerOf(context);
      return wireAccount(bearer.principal.accountId, await getOwnAccount(deps, bearer));
    },

    liftNumberRefusal: async (_request, context) => {
      await liftNumberRefusal(deps, bearerOf(context));
      return {};
    },

    deleteAccount: async (_request, context) => {
      await deleteAccount(deps, bearerOf(context));
      return {};
    },
  } satisfies Partial<AccountSlice>;
}

async function confirm(
  deps: OwnNumberDeps,
  purpose: ChangePurpose,
  [message, context]: [{ verificationId: string; code: string }, HandlerContext],
) {
  const verificationId = message.verificationId.toLowerCase();
  const input = { purpose, verificationId, code: message.code };
  showQuotas(context, await confirmNumber(deps, bearerOf(context), input));
  return { verified: true };
}

function wireRequested(context: HandlerContext, requested: RequestedCode) {
  showQuotas(context, requested.quotas);
  return {
    verificationId: requested.verificationId,
    expiresIn: requested.expiresInSeconds,
    resendAfter: requested.resendAfterSeconds,
  };
}

function wireAccount(userId: string, account: OwnAccount) {
  const { phone, lastAuthenticatedAt } = account;
  return {
    userId,
    maskedPhoneNumber: phone === null ? '' : maskNumber(phone),
    createTime: timestampFromDate(account.createdAt),
    ...(lastAuthenticatedAt && { lastAuthenticatedTime: timestampFromDate(lastAuthenticatedAt) }),
    twoFactorEnabled: account.hasSecondFactor,
    isNumberRefusing: account.isNumberRefusing,
    ...recoveryPart(account),
  };
}

function recoveryPart({
  recoveryId,
  recoveryStartedAt,
  recoveryReadyAt,
  recoveryPrefix,
}: OwnAccount) {
  if (recoveryId === null || !recoveryStartedAt || !recoveryReadyAt) return {};
  return {
    recovery: {
      id: recoveryId,
      createTime: timestampFromDate(recoveryStartedAt),
      readyTime: timestampFromDate(recoveryReadyAt),
      ipPrefix: recoveryPrefix ?? '',
    },
  };
}
