import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type {
  LoginRequest as LoginMessage,
  RegisterRequest,
} from '../../gen/whispr/auth/v1/session_pb.ts';
import {
  TwoFactorChallengeSchema,
  TwoFactorMethod,
} from '../../gen/whispr/auth/v1/two_factor_pb.ts';
import type { Origin } from '../audit/append.ts';
import { describedDevice } from '../device/wire-device.ts';
import type { ErrorDetail } from '../errors.ts';
import { readBundle } from '../keys/bundle.ts';
import type { Challenge } from './challenge.ts';
import type { EntryRequest } from './register.ts';

/** What a device sends when it registers or logs in. */
export function entryFrom(message: RegisterRequest | LoginMessage, origin: Origin): EntryRequest {
  return {
    verificationId: message.verificationId.toLowerCase(),
    device: describedDevice(message),
    bundle: message.signalKeyBundle && readBundle(message.signalKeyBundle),
    origin,
  };
}

/**
 * The detail of TWO_FACTOR_REQUIRED. It names both methods whatever the account has left of them:
 * somebody who proved only a number learns nothing else.
 */
export function challengeDetail({ token, expiresAt }: Challenge): ErrorDetail {
  const value = create(TwoFactorChallengeSchema, {
    challenge: token,
    methods: [TwoFactorMethod.TOTP, TwoFactorMethod.BACKUP_CODE],
    expireTime: timestampFromDate(expiresAt),
  });
  return { desc: TwoFactorChallengeSchema, value };
}
