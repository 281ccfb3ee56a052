import { rateLimited } from '../limits/limiter.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { LimitPolicies } from '../limits/policy.ts';
import type { Clock } from '../platform/clock.ts';
import type { Digest } from '../platform/digest.ts';
import type { Database } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import type { RedisStore } from '../platform/redis.ts';
import { CODE_DIGITS, storeCode } from './code.ts';
import type { Purpose } from './code.ts';
import { attemptKey } from './limits.ts';
import type { E164 } from './number.ts';
import { saveRecord } from './record.ts';
import type { SmsSender } from './sms.ts';
import { STRANGER, deleteSend, takeSend } from './store.ts';
import type { AttemptKey, Familiarity, PhoneLimits } from './store.ts';

export interface RequestDeps {
  readonly db: Database;
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
  readonly addressUnit: string;
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
}

/**
 * Sends a new code under a new id: never an old id, or whoever asked for a number first would hold
 * the one that its owner confirms. Every number within the limits gets a code, known or not.
 * @throws RATE_LIMITED, STORE_UNAVAILABLE, SMS_UNAVAILABLE
 */
export async function requestCode(deps: RequestDeps, request: CodeRequest): Promise<RequestedCode> {
  const key = attemptKey(deps.digest, request.phone, request.addressUnit);
  const sendId = deps.random.uuid();
  await takeAddressShare(deps, key, sendId);
  await request.screen();
  const resendAfterSeconds = await takeNumberShare(deps, { request, key, sendId });
  const verificationId = await deliver(deps, { request, key, sendId });
  return { verificationId, expiresInSeconds: deps.config.codeTtlSeconds, resendAfterSeconds };
}

interface Send {
  readonly request: CodeRequest;
  readonly key: AttemptKey;
  readonly sendId: string;
}

async function takeAddressShare(deps: RequestDeps, key: AttemptKey, sendId: string): Promise<void> {
  const { sendsPerAddress, numbersPerAddress, ceilingPerAddress } = deps.policies;
  const { address, phone } = limitNames(key);
  const result = await deps.limiter.take([
    { policy: ceilingPerAddress, key: address, member: sendId },
    { policy: sendsPerAddress, key: address, member: `${phone}:${sendId}` },
    { policy: numbersPerAddress, key: address, member: phone },
  ]);
  if (result.status === 'refused') throw rateLimited(result.policy.name, result.retryDelayMs);
}

/** The caps of the number, decided by PostgreSQL; a refusal is tried once more with what is known. */
async function takeNumberShare(deps: RequestDeps, send: Send): Promise<number> {
  const { key, sendId } = send;
  const options = { sendId, limits: deps.phoneLimits };
  const first = await takeSend(deps.db, key, { ...options, familiarity: STRANGER });
  if (first.refusal === null) return first.resendSeconds ?? 0;
  const familiarity = await send.request.familiarity();
  const second = await takeSend(deps.db, key, { ...options, familiarity });
  if (second.refusal === null) return second.resendSeconds ?? 0;
  await giveBackSend(deps, send);
  throw rateLimited(`phone_${second.refusal}`, (second.waitSeconds ?? 1) * 1000);
}

async function deliver(deps: RequestDeps, send: Send): Promise<string> {
  const { phone, purpose } = send.request;
  const verificationId = deps.random.uuid();
  const code = deps.random.code(CODE_DIGITS);
  try {
    await saveRecord(deps.redis, {
      id: verificationId,
      purpose,
      phone,
      phoneKey: limitNames(send.key).phone,
      addressKey: limitNames(send.key).address,
      sendId: send.sendId,
      code: storeCode(deps.digest, { verificationId, purpose, phone }, code),
      codeExpiresAtMs: deps.clock.nowMs() + deps.config.codeTtlSeconds * 1000,
      ttlMs: deps.config.verificationTtlSeconds * 1000,
    });
    const body = `${code} is your Whispr code. Never share it with anybody.`;
    await deps.sms.send({ to: phone, body, sendId: send.sendId });
    return verificationId;
  } catch (error) {
    await deleteSend(deps.db, send.sendId);
    await giveBackSend(deps, send);
    throw error;
  }
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
