import type { Origin } from '../audit/append.ts';
import type { DeviceDescription } from '../device/store.ts';
import { rateLimited } from '../limits/limiter.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { LimitPolicies } from '../limits/policy.ts';
import { qrPngDataUrl } from '../platform/qr.ts';
import type { Digest } from '../platform/digest.ts';
import type { QuotaState } from '../platform/quota.ts';
import type { Random } from '../platform/random.ts';
import { readEphemeralKey, requireReissuer } from './proof.ts';
import { writeQrText } from './qr-text.ts';
import type { QrCode, QrTextDeps } from './qr-text.ts';
import { readChallenge, reissue, saveChallenge } from './record.ts';
import type { RecordDeps } from './record.ts';

export type StartDeps = RecordDeps &
  QrTextDeps & {
    readonly random: Random;
    readonly digest: Digest;
    readonly limiter: Limiter;
    readonly policies: Pick<LimitPolicies, 'linkStartsPerAddress'>;
    readonly config: {
      readonly linkChallengeSeconds: number;
      readonly linkQrSeconds: number;
      readonly linkReissues: number;
    };
  };

/** A QR code as the new device shows it. */
export interface ShownCode {
  readonly text: string;
  readonly pngUrl: string;
  readonly expiresInSeconds: number;
  readonly challengeExpiresInSeconds: number;
  readonly codesLeft: number;
}

export interface StartedLink {
  readonly challengeId: string;
  readonly number: string;
  readonly code: ShownCode;
  readonly quotas: readonly QuotaState[];
}

/** 128 random bits; a longer id makes the QR code harder to read. */
const ID_BYTES = 16;
const NUMBER_DIGITS = 2;
const NUMBER_PURPOSE = 'link.number';

/**
 * A challenge for a device that nobody vouches for yet: it collects nothing before a scan, an
 * approval and a signature of the ephemeral key. @throws VALIDATION_FAILED, RATE_LIMITED
 */
export async function startLink(
  deps: StartDeps,
  input: { readonly ephemeralKey: Uint8Array; readonly device: DeviceDescription },
  origin: Origin,
): Promise<StartedLink> {
  const key = readEphemeralKey(input.ephemeralKey);
  const id = deps.random.bytes(ID_BYTES).toString('base64url');
  const policy = deps.policies.linkStartsPerAddress;
  const taken = await deps.limiter.take([{ policy, key: origin.addressUnit, member: id }]);
  if (taken.status === 'refused') throw rateLimited(taken.policy, taken.retryDelayMs);
  const number = deps.random.code(NUMBER_DIGITS);
  const { linkChallengeSeconds, linkReissues } = deps.config;
  const endsAtMs = deps.clock.nowMs() + linkChallengeSeconds * 1000;
  const codeEndsAtMs = endOfCode(deps, endsAtMs);
  await saveChallenge(deps, {
    ...key,
    id,
    number: deps.digest.current(NUMBER_PURPOSE, [id, number]).value.toString('base64url'),
    device: input.device,
    ipPrefix: origin.ipPrefix,
    codesLeft: linkReissues,
    codeEndsAtMs,
    endsAtMs,
  });
  const named = { challengeId: id, keyHash: key.keyHash, codesLeft: linkReissues };
  const code = await show(deps, named, { codeEndsAtMs, endsAtMs });
  return { challengeId: id, number, code, quotas: taken.states };
}

/** The number's hash under every pepper: a challenge may outlive the newest one. */
export function hashesOfNumber(
  { digest }: { readonly digest: Digest },
  id: string,
  number: string,
): string[] {
  return digest.every(NUMBER_PURPOSE, [id, number]).map((value) => value.toString('base64url'));
}

/**
 * The next QR code; the one before ends. The signature names the count that it lowers, so it is
 * worth one code. @throws LINK_NOT_FOUND, LINK_STATE_WRONG, LINK_PROOF_INVALID
 */
export async function reissueCode(
  deps: StartDeps,
  input: { readonly challengeId: string; readonly signature: Uint8Array },
): Promise<ShownCode> {
  const { challengeId } = input;
  const challenge = await readChallenge(deps, challengeId);
  requireReissuer(challenge, challengeId, input.signature);
  const { codesLeft: leftBefore, endsAtMs, keyHash } = challenge;
  const codeEndsAtMs = endOfCode(deps, endsAtMs);
  await reissue(deps, challengeId, { leftBefore, endsAtMs: codeEndsAtMs });
  const named = { challengeId, keyHash, codesLeft: leftBefore - 1 };
  return show(deps, named, { codeEndsAtMs, endsAtMs });
}

function endOfCode(deps: StartDeps, endsAtMs: number): number {
  return Math.min(deps.clock.nowMs() + deps.config.linkQrSeconds * 1000, endsAtMs);
}

async function show(
  deps: StartDeps,
  code: QrCode,
  ends: { readonly codeEndsAtMs: number; readonly endsAtMs: number },
): Promise<ShownCode> {
  const now = deps.clock.nowMs();
  const text = writeQrText(deps, code);
  return {
    text,
    pngUrl: await qrPngDataUrl(text),
    expiresInSeconds: secondsLeft(ends.codeEndsAtMs - now),
    challengeExpiresInSeconds: secondsLeft(ends.endsAtMs - now),
    codesLeft: code.codesLeft,
  };
}

/** Rounded up: what ends within a second is not over. */
export function secondsLeft(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1000));
}
