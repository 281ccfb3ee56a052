import type { DomainError } from '../errors.ts';
import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import type { DeviceDescription } from '../device/store.ts';
import { enter, refuse } from '../entry/enter.ts';
import type { EnterDeps, Refused } from '../entry/enter.ts';
import { insertAccount } from '../entry/store.ts';
import { appendEvent } from '../outbox/append.ts';
import type { KeyBundle } from '../keys/bundle.ts';
import { attemptKey } from '../phone/limits.ts';
import type { E164 } from '../phone/number.ts';
import { provenNumber, spent } from '../phone/proven.ts';
import { forgetRecord } from '../phone/record.ts';
import { consumeVerification, isConsumed } from '../phone/store.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { RedisStore } from '../platform/redis.ts';
import { mintTokens } from '../session/open.ts';
import type { TokenPair } from '../session/open.ts';
import type { SessionRow } from '../session/store.ts';
import type { TokenDeps } from '../token/access-token.ts';
import { accountExists } from './request.ts';

export type RegisterDeps = EnterDeps &
  TokenDeps & { readonly db: Database; readonly redis: RedisStore };

/** What registering and logging in have in common. */
export interface EntryRequest {
  readonly verificationId: string;
  readonly device: DeviceDescription;
  readonly bundle: KeyBundle | undefined;
  readonly origin: Origin;
}

type Outcome = Refused | { readonly status: 'registered'; readonly session: SessionRow };

/**
 * Opens an account on a proven number: account, device, session, keys, audit and outbox in one
 * transaction. A refusal leaves the verification unspent; one of parallel callers wins.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, ACCOUNT_EXISTS,
 *   STORE_UNAVAILABLE
 */
export async function register(deps: RegisterDeps, request: EntryRequest): Promise<TokenPair> {
  const phone = await provenNumber(deps, request.verificationId, 'register');
  const outcome = await deps.db.tx((tx) => openAccount(deps, tx, { ...request, phone }));
  if (outcome.status === 'refused') throw outcome.error;
  await forgetRecord(deps.redis, request.verificationId);
  return mintTokens(deps, outcome.session);
}

async function openAccount(
  deps: RegisterDeps,
  tx: Tx,
  request: EntryRequest & { phone: E164 },
): Promise<Outcome> {
  const { verificationId, phone, origin } = request;
  const accountId = deps.random.uuid();
  if (!(await insertAccount(tx, { id: accountId, phone }))) return refuseTaken(tx, request);
  if (!(await consumeVerification(tx, verificationId))) throw spent();
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

/** The caller that lost a race with its own verification is told so, not that a stranger has the number. */
async function refuseTaken(tx: Tx, request: EntryRequest): Promise<Refused> {
  const isOwn = await isConsumed(tx, request.verificationId);
  const error: DomainError = isOwn ? spent() : accountExists();
  return refuse(tx, error, { type: 'account.registration.refused', origin: request.origin });
}
