import type {
  LoginRequest as LoginMessage,
  RegisterRequest,
} from '../../gen/whispr/auth/v1/session_pb.ts';
import type { Origin } from '../audit/append.ts';
import { readBundle } from '../keys/bundle.ts';
import type { EntryRequest } from './register.ts';

const UNNAMED = 'Unnamed device';

/** What a device sends when it registers or logs in. UUIDs are compared in lower case everywhere. */
export function entryFrom(message: RegisterRequest | LoginMessage, origin: Origin): EntryRequest {
  const { deviceType, deviceName } = message;
  return {
    verificationId: message.verificationId.toLowerCase(),
    device: {
      id: message.deviceId.toLowerCase(),
      name: printable(deviceName) || printable(deviceType) || UNNAMED,
      platform: printable(deviceType),
      model: printable(message.model),
      osVersion: printable(message.osVersion),
      appVersion: printable(message.appVersion),
    },
    bundle: message.signalKeyBundle && readBundle(message.signalKeyBundle),
    origin,
  };
}

/** Without control characters, which PostgreSQL (NUL) and people's screens cannot bear. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '').trim();
}
