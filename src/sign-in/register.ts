import { DomainError } from '../errors.ts';
import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import type { DeviceDescription } from '../device/store.ts';
import { enter, refuse } from '../entry/enter.ts';
import type { EnterDeps, Refused } from '../entry/enter.ts';
import { insertAccount, isDormant, lockAccount } from '../entry/store.ts';
import { appendEvent } from '../outbox/append.ts';
import type { KeyBundle } from '../keys/bundle.ts';
import { attemptKey } from '../phone/limits.ts';
import type { E164 } from '../phone/number.ts';
import { proofRefusal, readProof, spend } from '../phone/proven.ts';
import { forgetRecord } from '../phone/record.ts';
import type { Proof } from '../phone/store-proof.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { RedisStore } from '../platform/redis.ts';
import { mintTokens } from '../session/open.ts';
import type { TokenPair } from '../session/open.ts';
import type { SessionRow } from '../session/store.ts';
import type { TokenDeps } from '../token/access-token.ts';
import { moveNumber } from './dormant.ts';
import type { DormantDeps } from './dormant.ts';
import { accountExists } from './request.ts';

export type RegisterDeps = EnterDeps &
  TokenDeps &
  DormantDeps & { readonly db: Database; readonly redis: RedisStore };

/** What registering and logging in have in common. */
export interface EntryRequest {
  readonly verificationId: string;
  readonly device: DeviceDescription;
  readonly bundle: KeyBundle | undefined;
  readonly origin: Origin;
}

export interface RegisterRequest extends EntryRequest {
  /** Take the number over from an account that is dormant. */
  readonly replaceDormantAccount: boolean;
}

type Outcome = Refused | { readonly status: 'registered'; readonly session: SessionRow };

/**
 * Opens an account on a proven number: account, device, session, keys, audit and outbox in one
 * transaction. A refusal leaves the verification unspent; one of parallel callers wins.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, ACCOUNT_EXISTS,
 *   ACCOUNT_DORMANT, STORE_UNAVAILABLE
 */
export async function register(deps: RegisterDeps, request: RegisterRequest): Promise<TokenPair> {
  const { verificationId } = request;
  const proof = await readProof(deps, { verificationId, purpose: 'register' });
  const { phone } = proof;
  const outcome = await deps.db.tx((tx) => openAccount(deps, tx, { ...request, phone, proof }));
  if (outcome.status === 'refused') throw outcome.error;
  await forgetRecord(deps.redis, verificationId);
  return mintTokens(deps, outcome.session);
}

async function openAccount(
  deps: RegisterDeps,
  tx: Tx,
  request: RegisterRequest & { phone: E164; proof: Proof },
): Promise<Outcome> {
  const { proof, phone, origin, device } = request;
  const accountId = deps.random.uuid();
  const refusal = await takeNumber(deps, tx, { ...request, accountId });
  if (refusal) {
    const event = { type: 'account.registration.refused', origin, deviceId: device.id } as const;
    return refuse(tx, refusal, event);
  }
  await spend(tx, proof);
  await appendAudit(tx, { type: 'account.registered', actor: 'account', origin, accountId });
  const { session } = await enter(deps, tx, {
    ...request,
    accountId,
    wasLiving: false,
    isPhoneProven: true,
    start: { methods: ['sms'] },
  });
  const { phoneKey } = attemptKey(deps.digest, phone, origin.addressUnit);
  await appendEvent(tx, {
    kind: 'user.registered',
    id: deps.random.uuid(),
    accountId,
    phoneKey,
    phoneNumber: phone,
  });
  return { status: 'registered', session };
}

type NumberRequest = RegisterRequest & {
  readonly phone: E164;
  readonly proof: Proof;
  readonly accountId: string;
};

/**
 * Opens the account on the number, or says why it cannot be had. The caller that lost a race with its
 * own verification is told so, not that a stranger has the number; a proof that ended shows nothing.
 */
async function takeNumber(
  deps: RegisterDeps,
  tx: Tx,
  request: NumberRequest,
): Promise<DomainError | undefined> {
  const account = { id: request.accountId, phone: request.phone };
  if (await insertAccount(tx, account)) return undefined;
  const refusal = await freeNumber(deps, tx, request);
  if (!refusal && (await insertAccount(tx, account))) return undefined;
  return (await proofRefusal(tx, request.proof)) ?? refusal ?? accountExists();
}

/**
 * Takes the number from a dormant account if the caller asked for that. Between the lock and COMMIT
 * nobody else can insert the number: its row in the unique index is ours.
 */
async function freeNumber(
  deps: RegisterDeps,
  tx: Tx,
  request: NumberRequest,
): Promise<DomainError | undefined> {
  const { phone, origin } = request;
  const holder = await lockAccount(tx, phone);
  if (!holder) return undefined;
  if (!(await isDormant(tx, holder.id, deps.config.dormantSeconds))) return accountExists();
  if (!request.replaceDormantAccount) return accountDormant();
  await moveNumber(deps, tx, { accountId: holder.id, phone, origin });
  return undefined;
}

function accountDormant(): DomainError {
  const message = 'This number has an account that was not used for a long time.';
  return new DomainError('ACCOUNT_DORMANT', message);
}
