import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import type {
  UseBackupCodeRequest,
  VerifyTwoFactorRequest,
} from '../../gen/whispr/auth/v1/two_factor_pb.ts';
import { deviceLimit } from '../device/admit.ts';
import { deviceLimitDetail } from '../device/wire-device.ts';
import type { Purpose } from '../phone/code.ts';
import { callOf } from '../rpc/call.ts';
import { bearerOf, originOf } from '../rpc/origin.ts';
import { showQuotas } from '../rpc/rate-limit.ts';
import type { TokenPair } from '../session/open.ts';
import { wireTokens } from '../session/wire-session.ts';
import { countBackupCodes } from '../two-factor/prove.ts';
import type { FactorKind } from '../two-factor/prove.ts';
import { answerChallenge } from './answer-challenge.ts';
import type { AnswerDeps } from './answer-challenge.ts';
import { confirmVerification } from './confirm.ts';
import type { ConfirmDeps } from './confirm.ts';
import { challengeWithBearer, twoFactorRequired } from './challenge.ts';
import { login } from './login.ts';
import type { LoginOutcome } from './login.ts';
import { register } from './register.ts';
import { requestVerification } from './request.ts';
import type { RequestVerificationDeps } from './request.ts';
import { approveStepUp, stepUpByFactor } from './step-up.ts';
import type { StepUpDeps } from './step-up.ts';
import { challengeDetail, entryFrom } from './wire-sign-in.ts';

export type SignInSlice = Pick<
  ServiceImpl<typeof AuthService>,
  | 'requestRegisterVerification'
  | 'confirmRegisterVerification'
  | 'requestLoginVerification'
  | 'confirmLoginVerification'
  | 'register'
  | 'login'
  | 'verifyTwoFactor'
  | 'useBackupCode'
  | 'approveStepUp'
>;

type SignInDeps = RequestVerificationDeps & ConfirmDeps & AnswerDeps & StepUpDeps;

/** Proving a number and a second factor, registering and logging in, as AuthService serves them. */
export function createSignInSlice(deps: SignInDeps): SignInSlice {
  return { ...verifying(deps), ...entering(deps), ...provingFactor(deps) };
}

function verifying(deps: SignInDeps) {
  return {
    requestRegisterVerification: (message, context) =>
      request(deps, 'register', [message, context]),
    requestLoginVerification: (message, context) => request(deps, 'login', [message, context]),

    confirmRegisterVerification: async (message, context) => {
      const { expiresInSeconds } = await confirm(deps, 'register', [message, context]);
      return { verified: true, expiresIn: expiresInSeconds };
    },

    confirmLoginVerification: async (message, context) => {
      const confirmed = await confirm(deps, 'login', [message, context]);
      const { requiresSecondFactor, expiresInSeconds } = confirmed;
      return {
        verified: true,
        requiresTwoFactor: requiresSecondFactor,
        expiresIn: expiresInSeconds,
      };
    },
  } satisfies Partial<SignInSlice>;
}

function entering(deps: SignInDeps) {
  return {
    register: async (message, context) =>
      wireTokens(
        await register(deps, {
          ...entryFrom(message, originOf(context)),
          replaceDormantAccount: message.replaceDormantAccount,
        }),
      ),

    login: async (message, context) => {
      const replaceDeviceId = message.replaceDeviceId?.toLowerCase();
      const outcome = await login(deps, {
        ...entryFrom(message, originOf(context)),
        replaceDeviceId,
      });
      return wireTokens(tokensOf(deps, outcome));
    },
  } satisfies Partial<SignInSlice>;
}

function provingFactor(deps: SignInDeps) {
  return {
    verifyTwoFactor: async (message, context) =>
      (await proveFactor(deps, 'totp', [message, context])).proven,

    useBackupCode: async (message, context) => {
      const { proven, accountId } = await proveFactor(deps, 'backup_code', [message, context]);
      return { ...proven, remaining: await countBackupCodes(deps.db, accountId) };
    },

    approveStepUp: async (message, context) => {
      const sessionId = message.sessionId.toLowerCase();
      const endsAt = await approveStepUp(deps, bearerOf(context), sessionId);
      return { stepUpExpireTime: timestampFromDate(endsAt) };
    },
  } satisfies Partial<SignInSlice>;
}

/** Tokens for a challenge; for a bearer, until when its session is stepped up. */
async function proveFactor(
  deps: SignInDeps,
  kind: FactorKind,
  [message, context]: [VerifyTwoFactorRequest | UseBackupCodeRequest, HandlerContext],
) {
  const answer = { code: message.token || message.code, kinds: [kind] };
  if (message.challenge === '') {
    const bearer = bearerOf(context);
    const endsAt = await stepUpByFactor(deps, bearer, answer);
    const { accountId } = bearer.principal;
    return { accountId, proven: { valid: true, stepUpExpireTime: timestampFromDate(endsAt) } };
  }
  if (callOf(context).principal) throw challengeWithBearer();
  const outcome = await answerChallenge(deps, {
    ...answer,
    challenge: message.challenge,
    replaceDeviceId: message.replaceDeviceId?.toLowerCase(),
    origin: originOf(context),
  });
  const tokens = tokensOf(deps, outcome);
  return { accountId: tokens.accountId, proven: { valid: true, ...wireTokens(tokens) } };
}

/** The tokens of who signed in. @throws TWO_FACTOR_REQUIRED, DEVICE_LIMIT with what comes next */
function tokensOf(deps: SignInDeps, outcome: LoginOutcome): TokenPair {
  switch (outcome.status) {
    case 'signed_in':
      return outcome.tokens;
    case 'challenged':
      throw twoFactorRequired([challengeDetail(outcome.challenge)]);
    case 'device_limit':
      throw deviceLimit([deviceLimitDetail(deps.config.deviceCap, outcome.devices)]);
    default:
      return outcome satisfies never;
  }
}

async function request(
  deps: SignInDeps,
  purpose: Purpose,
  [message, context]: [{ phoneNumber: string }, HandlerContext],
) {
  const { phoneNumber } = message;
  const requested = await requestVerification(deps, { purpose, phoneNumber }, originOf(context));
  showQuotas(context, requested.quotas);
  return {
    verificationId: requested.verificationId,
    expiresIn: requested.expiresInSeconds,
    resendAfter: requested.resendAfterSeconds,
  };
}

async function confirm(
  deps: SignInDeps,
  purpose: Purpose,
  [message, context]: [{ verificationId: string; code: string }, HandlerContext],
) {
  const verificationId = message.verificationId.toLowerCase();
  const input = { purpose, verificationId, code: message.code };
  const confirmed = await confirmVerification(deps, input, originOf(context));
  showQuotas(context, confirmed.quotas);
  return confirmed;
}
