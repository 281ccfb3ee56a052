import type { Origin } from '../audit/append.ts';
import { admitSend } from '../fraud/admit.ts';
import type { GuardDeps } from '../fraud/admit.ts';
import { returnSpend } from '../fraud/store.ts';
import { rateLimited } from '../limits/limiter.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { LimitPolicies } from '../limits/policy.ts';
import type { Clock } from '../platform/clock.ts';
import type { Digest } from '../platform/digest.ts';
import type { QuotaState } from '../platform/quota.ts';
import type { Random } from '../platform/random.ts';
import type { RedisStore } from '../platform/redis.ts';
import { reachedNobody } from '../sms/sender.ts';
import type { SmsSender } from '../sms/sender.ts';
import { CODE_DIGITS, scopeOf, storeCode } from './code.ts';
import type { Purpose } from './code.ts';
import { guardedSend } from './guarded-send.ts';
import { attemptKey, phoneRefusal } from './limits.ts';
import type { E164 } from './number.ts';
import { saveRecord } from './record.ts';
import { STRANGER, deleteSend, takeSend } from './store.ts';
import type { AttemptKey, Familiarity, PhoneLimits, SendAttempt } from './store.ts';

export interface RequestDeps extends GuardDeps {
  readonly redis: RedisStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly digest: Digest;
  readonly limiter: Limiter;
  readonly policies: LimitPolicies;
  readonly phoneLimits: PhoneLimits;
  readonly sms: SmsSender;
  readonly config: { readonly codeTtlSeconds: number; readonly verificationTtlSeconds: number };
}

export interface CodeRequest {
  readonly phone: E164;
  readonly purpose: Purpose;
  /** Whom the verification is reserved to, if it is: nobody else can confirm or use it. */
  readonly owner?: string;
  readonly origin: Origin;
  /** Asked only when a cap is reached. */
  readonly familiarity: () => Promise<Familiarity>;
  /** May refuse the number after the address has paid for asking. */
  readonly screen: () => Promise<void>;
}

export interface RequestedCode {
  readonly verificationId: string;
  readonly expiresInSeconds: number;
  /** When the same address may ask again for this number. */
  readonly resendAfterSeconds: number;
  /** What the address has left: nothing of this depends on the number. */
  readonly quotas: readonly QuotaState[];
}

/**
 * Sends a new code under a new id: never an old id, or whoever asked for a number first would hold
 * the one that its owner confirms. Every number within the limits gets a code, known or not.
 * @throws RATE_LIMITED, STORE_UNAVAILABLE, SMS_UNAVAILABLE
 */
export async function requestCode(deps: RequestDeps, request: CodeRequest): Promise<RequestedCode> {
  const key = attemptKey(deps.digest, request.phone, request.origin.addressUnit);
  const send = { request, key, sendId: deps.random.uuid() };
  const quotas = await takeAddressShare(deps, send);
  await request.screen();
  const { era, resendSeconds } = await takeNumberShare(deps, send);
  const verificationId = await deliver(deps, { ...send, era });
  const expiresInSeconds = deps.config.codeTtlSeconds;
  const resendAfterSeconds = resendSeconds ?? 0;
  return { verificationId, expiresInSeconds, resendAfterSeconds, quotas };
}

interface Send {
  readonly request: CodeRequest;
  readonly key: AttemptKey;
  readonly sendId: string;
}

async function takeAddressShare(
  deps: RequestDeps,
  { key, sendId }: Send,
): Promise<readonly QuotaState[]> {
  const { sendsPerAddress, numbersPerAddress, ceilingPerAddress } = deps.policies;
  const { address, phone } = limitNames(key);
  const result = await deps.limiter.take([
    { policy: ceilingPerAddress, key: address, member: sendId },
    { policy: sendsPerAddress, key: address, member: `${phone}:${sendId}` },
    { policy: numbersPerAddress, key: address, member: phone },
  ]);
  if (result.status === 'refused') throw rateLimited(result.policy, result.retryDelayMs);
  return result.states;
}

/** The caps of the number, decided by PostgreSQL; a refusal is tried once more with what is known. */
async function takeNumberShare(deps: RequestDeps, send: Send): Promise<SendAttempt> {
  const { key, sendId } = send;
  const options = { sendId, limits: deps.phoneLimits };
  const first = await takeSend(deps.db, key, { ...options, familiarity: STRANGER });
  if (first.refusal === null) return first;
  const familiarity = await send.request.familiarity();
  const second = await takeSend(deps.db, key, { ...options, familiarity });
  if (second.refusal === null) return second;
  await giveBackSend(deps, send);
  throw phoneRefusal(deps.phoneLimits, second.refusal, second.waitSeconds ?? 1);
}

async function deliver(deps: RequestDeps, send: Send & { era: number }): Promise<string> {
  const { phone, purpose, owner } = send.request;
  const scope = scopeOf(purpose, owner);
  const verificationId = deps.random.uuid();
  const code = deps.random.code(CODE_DIGITS);
  try {
    await guard(deps, send);
    await saveRecord(deps.redis, {
      id: verificationId,
      scope,
      phone,
      phoneKey: limitNames(send.key).phone,
      era: send.era,
      addressKey: limitNames(send.key).address,
      sendId: send.sendId,
      code: storeCode(deps.digest, { verificationId, scope, phone }, code),
      codeExpiresAtMs: deps.clock.nowMs() + deps.config.codeTtlSeconds * 1000,
      ttlMs: deps.config.verificationTtlSeconds * 1000,
    });
    const body = `${code} is your Whispr code. Never share it with anybody.`;
    await deps.sms.send({ to: phone, body, sendId: send.sendId });
    return verificationId;
  } catch (error) {
    if (reachedNobody(error)) await undo(deps, send);
    throw error;
  }
}

/** A message that may still arrive counts: asking again and again would send as many. */
async function undo(deps: RequestDeps, send: Send): Promise<void> {
  await returnSpend(deps.db, send.sendId);
  await deleteSend(deps.db, send.sendId);
  await giveBackSend(deps, send);
}

/** The last word before money is spent. */
async function guard(deps: RequestDeps, { request, key, sendId }: Send): Promise<void> {
  const { phone, purpose, origin } = request;
  await admitSend(deps, guardedSend(deps.fraudPolicy, { phone, purpose, key, sendId }), {
    origin,
    acquaintance: async () => {
      const { hasAccount, isKnownAddress } = await request.familiarity();
      const isWayIn = purpose === 'login' || purpose === 'change_old';
      return { isOwnAccount: hasAccount && isWayIn, isKnownAddress };
    },
  });
}

async function giveBackSend(deps: RequestDeps, send: Send): Promise<void> {
  const { address, phone } = limitNames(send.key);
  await deps.limiter.giveBack(deps.policies.sendsPerAddress, address, `${phone}:${send.sendId}`);
}

/** The keyed hashes as text, as Redis names use them. */
export function limitNames(key: AttemptKey): { address: string; phone: string } {
  return {
    address: key.addressKey.toString('base64url'),
    phone: key.phoneKey.toString('base64url'),
  };
}
