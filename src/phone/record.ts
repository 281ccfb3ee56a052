import { storeUnavailable } from '../errors.ts';
import { RedisUnavailable } from '../platform/redis.ts';
import type { RedisStore, Script } from '../platform/redis.ts';
import type { Scope, StoredCode } from './code.ts';
import { storedNumber } from './number.ts';
import type { E164 } from './number.ts';
import { CHECK, CONFIRM, FORGET, READ, SAVE, UNCOUNT } from './record-script.ts';

/** A verification as Redis keeps it for 15 minutes, under `verification:{id}`. */
export interface NewRecord {
  readonly id: string;
  readonly scope: Scope;
  readonly phone: E164;
  readonly phoneKey: string;
  /** How often the number's verifications had been ended when this one was asked for. */
  readonly era: number;
  readonly addressKey: string;
  readonly sendId: string;
  readonly code: StoredCode;
  readonly codeExpiresAtMs: number;
  readonly ttlMs: number;
}

/** The code that an id accepts now; it may be a newer one than its own. */
export interface AcceptedCode {
  readonly codeId: string;
  readonly phone: E164;
  readonly sendId: string;
  readonly code: StoredCode;
  readonly checksLeft: number;
}

export type CountedCheck =
  | { readonly status: 'counted'; readonly accepted: AcceptedCode }
  | { readonly status: 'unknown' | 'expired' | 'exhausted' };

export type ReadRecord =
  | {
      readonly status: 'confirmed';
      readonly phone: E164;
      readonly phoneKey: Buffer;
      readonly era: number;
    }
  | { readonly status: 'unknown' | 'unconfirmed' };

/** @throws STORE_UNAVAILABLE */
export async function saveRecord(redis: RedisStore, record: NewRecord): Promise<void> {
  const { id, scope, phone, phoneKey, addressKey, sendId, code } = record;
  const args = [
    id,
    scope,
    phone,
    addressKey,
    sendId,
    code.kid,
    code.mac,
    record.codeExpiresAtMs,
    record.ttlMs,
    phoneKey,
    record.era,
  ];
  const index = [`verification_index:${phoneKey}:${scope}`];
  await withReplicationId(redis, SAVE, { key: recordKey(id), index, args });
}

/** Counts one check against the code that `id` accepts, before anything is compared. */
export async function countCheck(
  redis: RedisStore,
  id: string,
  options: { scope: Scope; nowMs: number; maxChecks: number },
): Promise<CountedCheck> {
  const args = [id, options.scope, options.nowMs, options.maxChecks];
  const reply = await withReplicationId(redis, CHECK, { key: recordKey(id), args });
  const [status, codeId = '', phone = '', sendId = '', kid = '', mac = '', left = ''] =
    texts(reply);
  if (status === 'counted') {
    const code = { kid, mac };
    const accepted = { codeId, phone: storedNumber(phone), sendId, code, checksLeft: Number(left) };
    return { status, accepted };
  }
  return { status: status === 'expired' || status === 'exhausted' ? status : 'unknown' };
}

/** Takes a counted check back: nothing was compared. */
export async function uncountCheck(redis: RedisStore, codeId: string): Promise<void> {
  await guarded(() => redis.run(UNCOUNT, [recordKey(codeId)], []));
}

/** Marks `id` as proven and ends every other id of its number and purpose; false when it is gone. */
export async function confirmRecord(
  redis: RedisStore,
  id: string,
  codeId: string,
): Promise<boolean> {
  const reply = await withReplicationId(redis, CONFIRM, { key: recordKey(id), args: [id, codeId] });
  return reply === 1;
}

/** @throws STORE_UNAVAILABLE */
export async function readRecord(redis: RedisStore, id: string, scope: Scope): Promise<ReadRecord> {
  const reply = await withReplicationId(redis, READ, { key: recordKey(id), args: [scope] });
  const [status, phone = '', phoneKey = '', era = '0'] = texts(reply);
  if (status === 'confirmed') {
    const key = Buffer.from(phoneKey, 'base64url');
    return { status, phone: storedNumber(phone), phoneKey: key, era: Number(era) };
  }
  return { status: status === 'unconfirmed' ? status : 'unknown' };
}

/** Cleans up after use. The row in `consumed_verifications` is what keeps it from being used again. */
export async function forgetRecord(redis: RedisStore, id: string): Promise<void> {
  try {
    await redis.run(FORGET, [recordKey(id)], []);
  } catch (error) {
    if (!(error instanceof RedisUnavailable)) throw error;
  }
}

/** Records of another primary may be older than what was answered, so every script compares its id. */
async function withReplicationId(
  redis: RedisStore,
  called: Script,
  input: ScriptInput,
): Promise<unknown> {
  const { key, index = [], args } = input;
  return guarded(async () => {
    const replicationId = await redis.replicationId();
    return redis.run(called, [key, ...index], [replicationId, ...args]);
  });
}

interface ScriptInput {
  readonly key: string;
  readonly index?: readonly string[];
  readonly args: readonly (string | number)[];
}

async function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof RedisUnavailable ? storeUnavailable(error) : error;
  }
}

function recordKey(id: string): string {
  return `verification:${id}`;
}

function texts(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
