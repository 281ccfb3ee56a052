import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { LinkState as WireState } from '../../gen/whispr/device/v1/link_pb.ts';
import type { CompleteLinkRequest } from '../../gen/whispr/device/v1/link_pb.ts';
import type { Origin } from '../audit/append.ts';
import { readBundle } from '../keys/bundle.ts';
import type { CompleteRequest } from './complete.ts';
import type { LinkState } from './record.ts';
import type { ScannedLink } from './scan.ts';
import type { ShownCode } from './start.ts';
import type { LinkView } from './watch.ts';

const STATES: Readonly<Record<LinkState, WireState>> = {
  waiting: WireState.WAITING,
  scanned: WireState.SCANNED,
  approved: WireState.APPROVED,
  declined: WireState.DECLINED,
  completed: WireState.COMPLETED,
  killed: WireState.KILLED,
  expired: WireState.EXPIRED,
};

/** @throws KEY_FORMAT_INVALID */
export function completionFrom(message: CompleteLinkRequest, origin: Origin): CompleteRequest {
  return {
    challengeId: message.challengeId,
    signature: message.signature,
    bundle: message.signalKeyBundle && readBundle(message.signalKeyBundle),
    replaceDeviceId: message.replaceDeviceId?.toLowerCase(),
    origin,
  };
}

export function wireCode(code: ShownCode) {
  return {
    qrText: code.text,
    qrCodeUrl: code.pngUrl,
    qrExpiresIn: code.expiresInSeconds,
    expiresIn: code.challengeExpiresInSeconds,
    reissuesLeft: code.codesLeft,
  };
}

export function wireView({ state, expiresInSeconds }: LinkView) {
  return { state: STATES[state], expiresIn: expiresInSeconds };
}

export function wireScanned(scanned: ScannedLink) {
  const { device } = scanned;
  return {
    challengeId: scanned.challengeId,
    deviceName: device.name,
    platform: device.platform,
    model: device.model,
    appVersion: device.appVersion,
    ipPrefix: scanned.ipPrefix,
    isSameNetwork: scanned.isSameNetwork,
    expiresIn: scanned.expiresInSeconds,
    createTime: timestampFromMs(scanned.madeAtMs),
  };
}
