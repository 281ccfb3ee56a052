import type { DeviceDescription } from '../device/store.ts';
import { DomainError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { RedisStore, Script } from '../platform/redis.ts';
import * as scripts from './record-script.ts';

export interface RecordDeps {
  readonly redis: RedisStore;
  readonly clock: Clock;
}

/** What is told of a challenge; `collecting` is told as approved. */
export type LinkState =
  'waiting' | 'scanned' | 'approved' | 'declined' | 'completed' | 'killed' | 'expired';

/** A new challenge, as Redis keeps it under `qr_challenge:{id}`. */
export interface NewChallenge {
  readonly id: string;
  /** The new device's ephemeral key, its hash and the hash of the number: base64url. */
  readonly key: string;
  readonly keyHash: string;
  readonly number: string;
  readonly device: DeviceDescription;
  readonly ipPrefix: string;
  readonly codesLeft: number;
  readonly codeEndsAtMs: number;
  readonly endsAtMs: number;
}

/** Every state so far, the present one last. */
export interface Sight {
  readonly trail: readonly LinkState[];
  readonly endsAtMs: number;
}

/** A challenge for its new device. */
export interface Challenge extends Sight {
  readonly key: string;
  readonly keyHash: string;
  readonly codesLeft: number;
  readonly device: DeviceDescription;
  /** Who scanned it; empty before. */
  readonly accountId: string;
  readonly sessionId: string;
}

/** Whose device scans, and what the QR code said. */
export interface Scan {
  readonly id: string;
  readonly keyHash: string;
  readonly codesLeft: number;
  readonly scanner: Scanner;
}

export interface Scanner {
  readonly accountId: string;
  readonly sessionId: string;
  readonly deviceId: string;
}

export type Scanned =
  | {
      readonly status: 'scanned';
      readonly device: DeviceDescription;
      readonly ipPrefix: string;
      readonly madeAtMs: number;
      readonly endsAtMs: number;
    }
  | { readonly status: 'killed'; readonly first: Scanner }
  | { readonly status: 'scanned_before' | 'expired' | 'gone' };

export type Decision = 'approved' | 'declined' | 'wrong' | 'not_yours' | 'decided' | 'gone';

export async function saveChallenge(deps: RecordDeps, challenge: NewChallenge): Promise<void> {
  const lifeMs = challenge.endsAtMs - deps.clock.nowMs();
  const fields = {
    key: challenge.key,
    key_hash: challenge.keyHash,
    number: challenge.number,
    device: JSON.stringify(challenge.device),
    prefix: challenge.ipPrefix,
    left: challenge.codesLeft,
    qr_ends: challenge.codeEndsAtMs,
    ends: challenge.endsAtMs,
  };
  const args = [lifeMs, ...Object.entries(fields).flat()];
  await run(deps, scripts.SAVE, { ids: [challenge.id], args });
}

/** Where each challenge stands; nothing for those that are over. One call, whatever their number. */
export async function lookAt(
  deps: RecordDeps,
  ids: readonly string[],
): Promise<(Sight | undefined)[]> {
  const reply = await run(deps, scripts.LOOK, { ids });
  return Array.isArray(reply) ? reply.map((seen) => sightOf(texts(seen))) : [];
}

/** @throws LINK_NOT_FOUND when it is gone; not when it is over in another way */
export async function readChallenge(deps: RecordDeps, id: string): Promise<Challenge> {
  const reply = texts(await run(deps, scripts.READ, { ids: [id] }));
  const sight = sightOf(reply);
  if (!sight) throw linkNotFound();
  const [, , key = '', keyHash = '', left = '', device = '', accountId = '', sessionId = ''] =
    reply;
  const codesLeft = Number(left);
  return { ...sight, key, keyHash, codesLeft, device: deviceOf(device), accountId, sessionId };
}

/**
 * The next QR code of a waiting challenge. @throws LINK_NOT_FOUND, LINK_STATE_WRONG also when a rival
 * was faster
 */
export async function reissue(
  deps: RecordDeps,
  id: string,
  code: { readonly leftBefore: number; readonly endsAtMs: number },
): Promise<void> {
  const args = [code.leftBefore, code.endsAtMs];
  const reply = await run(deps, scripts.REISSUE, { ids: [id], args });
  if (reply === 'refused') throw linkStateWrong('This QR login can have no further code.');
  if (reply !== 'reissued') throw linkNotFound();
}

export async function scan(deps: RecordDeps, scanned: Scan): Promise<Scanned> {
  const { accountId, sessionId, deviceId } = scanned.scanner;
  const args = [scanned.keyHash, scanned.codesLeft, accountId, sessionId, deviceId];
  const reply = texts(await run(deps, scripts.SCAN, { ids: [scanned.id], args }));
  const [status, first = '', second = '', third = '', fourth = ''] = reply;
  switch (status) {
    case 'scanned':
      return {
        status,
        device: deviceOf(first),
        ipPrefix: second,
        madeAtMs: Number(third),
        endsAtMs: Number(fourth),
      };
    case 'killed':
      return { status, first: { accountId: first, sessionId: second, deviceId: third } };
    case 'scanned_before':
    case 'expired':
      return { status };
    default:
      return { status: 'gone' };
  }
}

/** One try for the number: compared as hashes, inside the script that takes the try. */
export async function approve(
  deps: RecordDeps,
  id: string,
  attempt: {
    readonly accountId: string;
    readonly sessionId: string;
    readonly numbers: readonly string[];
  },
): Promise<Decision> {
  const args = [attempt.accountId, attempt.sessionId, ...attempt.numbers];
  return decisionOf(await run(deps, scripts.APPROVE, { ids: [id], args }));
}

export async function decline(deps: RecordDeps, id: string, accountId: string): Promise<Decision> {
  return decisionOf(await run(deps, scripts.DECLINE, { ids: [id], args: [accountId] }));
}

/** From here on no scan kills the challenge. @throws LINK_NOT_FOUND, LINK_STATE_WRONG */
export async function startCollecting(deps: RecordDeps, id: string): Promise<void> {
  const reply = await run(deps, scripts.COLLECT, { ids: [id] });
  if (reply === 'undecided') throw linkStateWrong('Approve this on the other device first.');
  if (reply !== 'collecting') throw linkNotFound();
}

export async function markCompleted(deps: RecordDeps, id: string): Promise<void> {
  await run(deps, scripts.COMPLETE, { ids: [id] });
}

export function linkNotFound(): DomainError {
  return new DomainError('LINK_NOT_FOUND', 'This QR login is over. Please start again.');
}

export function linkStateWrong(message: string): DomainError {
  return new DomainError('LINK_STATE_WRONG', message);
}

/** A record of another primary may be older than what was answered: every script compares its id. */
async function run(
  { redis, clock }: RecordDeps,
  script: Script,
  call: { readonly ids: readonly string[]; readonly args?: readonly (string | number)[] },
): Promise<unknown> {
  const keys = call.ids.map((id) => `qr_challenge:${id}`);
  const { args = [] } = call;
  return redis.run(script, keys, [await redis.replicationId(), clock.nowMs(), ...args]);
}

function sightOf([trail, endsAtMs]: readonly string[]): Sight | undefined {
  if (trail === undefined) return undefined;
  const states = trail.split(' ').flatMap((word) => stateNamed(word) ?? []);
  return { trail: states, endsAtMs: Number(endsAtMs) };
}

const STATES: readonly LinkState[] = [
  'waiting',
  'scanned',
  'approved',
  'declined',
  'completed',
  'killed',
];

function stateNamed(word: string): LinkState | undefined {
  return STATES.find((state) => state === word);
}

function decisionOf(reply: unknown): Decision {
  const all: readonly Decision[] = ['approved', 'declined', 'wrong', 'not_yours', 'decided'];
  return all.find((decision) => decision === reply) ?? 'gone';
}

function deviceOf(json: string): DeviceDescription {
  const fields: unknown = JSON.parse(json);
  const text = (name: string) => String(Reflect.get(Object(fields), name) ?? '');
  return {
    id: text('id'),
    name: text('name'),
    platform: text('platform'),
    model: text('model'),
    osVersion: text('osVersion'),
    appVersion: text('appVersion'),
  };
}

function texts(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
