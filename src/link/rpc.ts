import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { deviceLimit } from '../device/admit.ts';
import { describedDevice, deviceLimitDetail } from '../device/wire-device.ts';
import { bearerOf, originOf } from '../rpc/origin.ts';
import { showQuotas } from '../rpc/rate-limit.ts';
import type { TokenPair } from '../session/open.ts';
import { wireTokens } from '../session/wire-session.ts';
import { completeLink } from './complete.ts';
import type { CompleteDeps, CompleteOutcome } from './complete.ts';
import { approveLink, declineLink } from './decide.ts';
import type { DecideDeps } from './decide.ts';
import { scanLink } from './scan.ts';
import type { ScanDeps } from './scan.ts';
import { reissueCode, startLink } from './start.ts';
import type { StartDeps } from './start.ts';
import { getLink, watchLink } from './watch.ts';
import type { WatchDeps } from './watch.ts';
import { completionFrom, wireCode, wireScanned, wireView } from './wire-link.ts';

export type LinkSlice = Pick<
  ServiceImpl<typeof DeviceService>,
  | 'startLink'
  | 'reissueLinkCode'
  | 'getLink'
  | 'watchLink'
  | 'scanLink'
  | 'approveLink'
  | 'declineLink'
  | 'completeLink'
>;

type LinkDeps = StartDeps & WatchDeps & ScanDeps & DecideDeps & CompleteDeps;

/** Adding a device by QR, as DeviceService serves it. */
export function createLinkSlice(deps: LinkDeps): LinkSlice {
  return {
    startLink: async (message, context) => {
      const input = { ephemeralKey: message.ephemeralPublicKey, device: describedDevice(message) };
      const started = await startLink(deps, input, originOf(context));
      showQuotas(context, started.quotas);
      const { challengeId, number, code } = started;
      return { challengeId, confirmationNumber: number, ...wireCode(code) };
    },

    reissueLinkCode: async (message) => wireCode(await reissueCode(deps, message)),

    getLink: async ({ challengeId }) => wireView(await getLink(deps, challengeId)),

    watchLink: ({ challengeId }, context) => streamViews(deps, challengeId, context),

    scanLink: async ({ qrText }, context) => {
      const scanned = await scanLink(deps, qrText, bearerOf(context));
      showQuotas(context, scanned.quotas);
      return wireScanned(scanned);
    },

    approveLink: async ({ challengeId, confirmationNumber: number }, context) => {
      await approveLink(deps, { challengeId, number }, bearerOf(context));
      return {};
    },

    declineLink: async ({ challengeId }, context) => {
      await declineLink(deps, challengeId, bearerOf(context));
      return {};
    },

    completeLink: async (message, context) =>
      wireTokens(
        tokensOf(deps, await completeLink(deps, completionFrom(message, originOf(context)))),
      ),
  };
}

/** @throws DEVICE_LIMIT with the list to choose from */
function tokensOf(deps: CompleteDeps, outcome: CompleteOutcome): TokenPair {
  if (outcome.status === 'completed') return outcome.tokens;
  throw deviceLimit([deviceLimitDetail(deps.config.deviceCap, outcome.devices)]);
}

async function* streamViews(deps: WatchDeps, challengeId: string, context: HandlerContext) {
  for await (const view of watchLink(deps, challengeId, context.signal)) yield wireView(view);
}
