import type { Origin } from '../audit/append.ts';
import type { Refused } from '../entry/enter.ts';
import { lockAccount } from '../entry/store.ts';
import type { AccountRow } from '../entry/store.ts';
import { accountNotFound, lockedDown } from '../entry/turn-away.ts';
import { DomainError } from '../errors.ts';
import { rateLimited } from '../limits/limiter.ts';
import { readProof, requireLiving, spend } from '../phone/proven.ts';
import type { ProofDeps } from '../phone/proven.ts';
import { forgetRecord } from '../phone/record.ts';
import type { Proof } from '../phone/store-proof.ts';
import type { Tx } from '../platform/postgres.ts';
import { countStarts, insertRecovery } from './store.ts';
import { refuseProven, tell } from './tell.ts';
import type { TellDeps } from './tell.ts';

export type StartDeps = ProofDeps &
  TellDeps & {
    readonly config: {
      readonly recoveryWaitSeconds: number;
      readonly recoveryStartsPerDay: number;
    };
  };

export interface Started {
  readonly status: 'started';
  readonly recoveryId: string;
  readonly readyAt: Date;
}

/**
 * Starts the wait after which an account whose second factor is lost opens by its number alone, and
 * tells every device. Whoever has the number can start one again and again, so starts are few a day.
 * @throws VERIFICATION_UNKNOWN, VERIFICATION_UNCONFIRMED, VERIFICATION_SPENT, ACCOUNT_NOT_FOUND,
 *   ACCOUNT_LOCKED_DOWN, RECOVERY_UNAVAILABLE, RATE_LIMITED, STORE_UNAVAILABLE
 */
export async function startRecovery(
  deps: StartDeps,
  request: { readonly verificationId: string; readonly origin: Origin },
): Promise<Started> {
  const { verificationId, origin } = request;
  const proof = await readProof(deps, { verificationId, purpose: 'login' });
  const outcome = await deps.db.tx((tx) => decide(deps, tx, { proof, origin }));
  if (outcome.status === 'refused') throw outcome.error;
  await forgetRecord(deps.redis, verificationId);
  return outcome;
}

/** Under the account's lock: parallel callers count each other's starts. */
async function decide(
  deps: StartDeps,
  tx: Tx,
  { proof, origin }: { proof: Proof; origin: Origin },
): Promise<Refused | Started> {
  const account = await lockAccount(tx, proof.phone);
  await requireLiving(tx, proof);
  const about = { type: 'recovery.start_refused', origin } as const;
  const refusal = await refusalOf(deps, tx, account);
  if (!account || refusal) {
    const error = refusal ?? accountNotFound();
    return refuseProven(tx, error, { ...about, ...(account && { accountId: account.id }) });
  }
  const accountId = account.id;
  const recoveryId = deps.random.uuid();
  const { ipPrefix } = origin;
  const waitSeconds = deps.config.recoveryWaitSeconds;
  const recovery = { id: recoveryId, accountId, ipPrefix, waitSeconds };
  const readyAt = await insertRecovery(tx, recovery);
  if (!readyAt) return refuseProven(tx, unavailable(), { ...about, accountId });
  await spend(tx, proof);
  const details = { readyAt: readyAt.toISOString() };
  const event = { type: 'recovery.started', event: 'RECOVERY_STARTED', details } as const;
  await tell(deps, tx, { ...event, accountId, actor: 'anonymous', origin });
  return { status: 'started', recoveryId, readyAt };
}

async function refusalOf(
  deps: StartDeps,
  tx: Tx,
  account: AccountRow | undefined,
): Promise<DomainError | undefined> {
  if (!account) return undefined;
  if (account.lockedDownBy) return lockedDown(account.lockedDownBy);
  if (!account.hasSecondFactor) return unavailable();
  const { isRunning, count, waitSeconds } = await countStarts(tx, account.id);
  if (isRunning) return unavailable();
  if (count < deps.config.recoveryStartsPerDay) return undefined;
  return rateLimited('recovery_starts_per_account', Math.max(1, waitSeconds) * 1000);
}

function unavailable(): DomainError {
  const message = 'This account needs no recovery, or one is running already.';
  return new DomainError('RECOVERY_UNAVAILABLE', message);
}
