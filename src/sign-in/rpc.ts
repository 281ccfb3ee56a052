import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { deviceLimit } from '../device/admit.ts';
import { deviceLimitDetail } from '../device/wire-device.ts';
import type { Purpose } from '../phone/code.ts';
import { originOf } from '../rpc/origin.ts';
import { wireTokens } from '../session/wire-session.ts';
import { confirmVerification } from './confirm.ts';
import type { ConfirmDeps } from './confirm.ts';
import { login } from './login.ts';
import type { LoginDeps } from './login.ts';
import { register } from './register.ts';
import { requestVerification } from './request.ts';
import type { RequestVerificationDeps } from './request.ts';
import { entryFrom } from './wire-sign-in.ts';

export type SignInSlice = Pick<
  ServiceImpl<typeof AuthService>,
  | 'requestRegisterVerification'
  | 'confirmRegisterVerification'
  | 'requestLoginVerification'
  | 'confirmLoginVerification'
  | 'register'
  | 'login'
>;

type SignInDeps = RequestVerificationDeps & ConfirmDeps & LoginDeps;

/** Proving a number, registering and logging in, as AuthService serves them. */
export function createSignInSlice(deps: SignInDeps): SignInSlice {
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

    register: async (message, context) =>
      wireTokens(await register(deps, entryFrom(message, originOf(context)))),

    login: async (message, context) => {
      const replaceDeviceId = message.replaceDeviceId?.toLowerCase();
      const outcome = await login(deps, {
        ...entryFrom(message, originOf(context)),
        replaceDeviceId,
      });
      if (outcome.status === 'signed_in') return wireTokens(outcome.tokens);
      throw deviceLimit([deviceLimitDetail(deps.config.deviceCap, outcome.devices)]);
    },
  };
}

async function request(
  deps: SignInDeps,
  purpose: Purpose,
  [message, context]: [{ phoneNumber: string }, HandlerContext],
) {
  const { phoneNumber } = message;
  const requested = await requestVerification(deps, { purpose, phoneNumber }, originOf(context));
  return {
    verificationId: requested.verificationId,
    expiresIn: requested.expiresInSeconds,
    resendAfter: requested.resendAfterSeconds,
  };
}

function confirm(
  deps: SignInDeps,
  purpose: Purpose,
  [message, context]: [{ verificationId: string; code: string }, HandlerContext],
) {
  const verificationId = message.verificationId.toLowerCase();
  return confirmVerification(
    deps,
    { purpose, verificationId, code: message.code },
    originOf(context),
  );
}
