import { DomainError } from '../errors.ts';
import { verifySend } from '../fraud/store.ts';
import { rateLimited } from '../limits/limiter.ts';
import type { QuotaState } from '../platform/quota.ts';
import { matchesCode, scopeOf } from './code.ts';
import type { Purpose } from './code.ts';
import { attemptKey, phoneRefusal } from './limits.ts';
import type { E164 } from './number.ts';
import { confirmRecord, countCheck, uncountCheck } from './record.ts';
import type { AcceptedCode } from './record.ts';
import { limitNames } from './request.ts';
import type { RequestDeps } from './request.ts';
import { STRANGER, settleCheck, takeCheck } from './store.ts';
import type { AttemptKey, Familiarity } from './store.ts';

export type CheckDeps = Omit<RequestDeps, 'sms' | 'config'> & {
  readonly config: { readonly codeChecks: number };
};

export interface CodeCheck {
  readonly verificationId: string;
  readonly code: string;
  readonly purpose: Purpose;
  /** Whom the verification is reserved to, if it is: nobody else's exists for this call. */
  readonly owner?: string;
  readonly addressUnit: string;
  /** Asked only when a cap is reached. */
  readonly familiarity: (phone: E164) => Promise<Familiarity>;
}

export type CheckOutcome =
  | {
      readonly status: 'confirmed';
      readonly phone: E164;
      /** What the address has left. */
      readonly quotas: readonly QuotaState[];
    }
  | { readonly status: 'wrong'; readonly phone: E164; readonly checksLeft: number };

interface Counted {
  readonly check: CodeCheck;
  readonly checkId: string;
  readonly key: AttemptKey;
  readonly accepted: AcceptedCode;
  readonly quotas: readonly QuotaState[];
}

/**
 * Compares a code after every limit has counted the attempt: of parallel guesses, only as many are
 * compared as one guess after another would be.
 * @throws VERIFICATION_UNKNOWN, CODE_EXPIRED, CODE_ATTEMPTS_EXCEEDED, RATE_LIMITED, STORE_UNAVAILABLE
 */
export async function checkCode(deps: CheckDeps, check: CodeCheck): Promise<CheckOutcome> {
  const counted = await count(deps, check);
  const { accepted } = counted;
  const binding = {
    verificationId: accepted.codeId,
    scope: scopeOf(check.purpose, check.owner),
    phone: accepted.phone,
  };
  const attempt = { binding, code: check.code, stored: accepted.code };
  if (!matchesCode(deps.digest, attempt)) {
    return { status: 'wrong', phone: accepted.phone, checksLeft: accepted.checksLeft };
  }
  if (!(await confirmRecord(deps.redis, check.verificationId, accepted.codeId))) throw unknown();
  await settle(deps, counted);
  return { status: 'confirmed', phone: accepted.phone, quotas: counted.quotas.map(givenBack) };
}

export function unknown(): DomainError {
  return new DomainError(
    'VERIFICATION_UNKNOWN',
    'This verification is no longer valid. Please request a new code.',
  );
}

async function count(deps: CheckDeps, check: CodeCheck): Promise<Counted> {
  const result = await countCheck(deps.redis, check.verificationId, {
    scope: scopeOf(check.purpose, check.owner),
    nowMs: deps.clock.nowMs(),
    maxChecks: deps.config.codeChecks,
  });
  if (result.status !== 'counted') throw refusalOf(result.status);
  const { accepted } = result;
  const key = attemptKey(deps.digest, accepted.phone, check.addressUnit);
  const counted = { check, checkId: deps.random.uuid(), key, accepted };
  const quotas = await takeShares(deps, counted);
  return { ...counted, quotas };
}

function refusalOf(status: 'unknown' | 'expired' | 'exhausted'): DomainError {
  switch (status) {
    case 'unknown':
      return unknown();
    case 'expired':
      return new DomainError('CODE_EXPIRED', 'This code has expired. Please request a new one.');
    case 'exhausted':
      return new DomainError(
        'CODE_ATTEMPTS_EXCEEDED',
        'Too many wrong codes. Please request a new one.',
      );
    default:
      return status satisfies never;
  }
}

/** The address's and the number's share; a refusal compares nothing, so it costs the code nothing. */
async function takeShares(
  deps: CheckDeps,
  counted: Omit<Counted, 'quotas'>,
): Promise<readonly QuotaState[]> {
  const { checkId, key, accepted } = counted;
  const { checksPerAddress } = deps.policies;
  const { address } = limitNames(key);
  const result = await deps.limiter.take([
    { policy: checksPerAddress, key: address, member: checkId },
  ]);
  if (result.status === 'refused') {
    await uncountCheck(deps.redis, accepted.codeId);
    throw rateLimited(result.policy, result.retryDelayMs);
  }
  const options = { checkId, limits: deps.phoneLimits };
  let attempt = await takeCheck(deps.db, key, { ...options, familiarity: STRANGER });
  if (attempt.refusal === null) return result.states;
  const familiarity = await counted.check.familiarity(accepted.phone);
  attempt = await takeCheck(deps.db, key, { ...options, familiarity });
  if (attempt.refusal === null) return result.states;
  await uncountCheck(deps.redis, accepted.codeId);
  await deps.limiter.giveBack(checksPerAddress, address, checkId);
  const refusal = attempt.refusal === 'failing' ? 'failing' : `check_${attempt.refusal}`;
  throw phoneRefusal(deps.phoneLimits, refusal, attempt.waitSeconds ?? 1);
}

/** A right code is no failed check. */
function givenBack(state: QuotaState): QuotaState {
  return { ...state, remaining: state.remaining + 1 };
}

/** A proven number gives the address its share back, once a day: shared addresses stay open. */
async function settle(deps: CheckDeps, { checkId, key, accepted }: Counted): Promise<void> {
  await settleCheck(deps.db, { phoneKey: key.phoneKey, checkId, sendId: accepted.sendId });
  await verifySend(deps.db, accepted.sendId);
  const { address, phone } = limitNames(key);
  const { checksPerAddress, givenBackPerNumber, sendsPerAddress, numbersPerAddress } =
    deps.policies;
  await deps.limiter.giveBack(checksPerAddress, address, checkId);
  const once = { policy: givenBackPerNumber, key: `${address}:${phone}`, member: checkId };
  if ((await deps.limiter.take([once])).status === 'refused') return;
  await deps.limiter.giveBack(sendsPerAddress, address, `${phone}:`);
  await deps.limiter.giveBack(numbersPerAddress, address, phone);
}
