import { appendAudit } from '../audit/append.ts';
import type { Origin } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import { rateLimited } from '../limits/limiter.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { LimitPolicies } from '../limits/policy.ts';
import { appendEvent } from '../outbox/append.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { QuotaState } from '../platform/quota.ts';
import type { Random } from '../platform/random.ts';
import type { Bearer } from '../token/principal.ts';
import { readQrText } from './qr-text.ts';
import type { QrTextDeps } from './qr-text.ts';
import { linkNotFound, scan } from './record.ts';
import type { RecordDeps, Scanned, Scanner } from './record.ts';
import { secondsLeft } from './start.ts';

export type ScanDeps = RecordDeps &
  QrTextDeps & {
    readonly db: Database;
    readonly random: Random;
    readonly limiter: Limiter;
    readonly policies: Pick<LimitPolicies, 'linkScansPerAccount'>;
  };

/** Who asks to be let in, for the person who decides. */
export type ScannedLink = Extract<Scanned, { status: 'scanned' }> & {
  readonly challengeId: string;
  readonly isSameNetwork: boolean;
  readonly expiresInSeconds: number;
  readonly quotas: readonly QuotaState[];
};

/**
 * Binds a challenge to the session that scans it. A second scan means that two people saw one code:
 * it ends the challenge, and the account that had scanned is told.
 * @throws LINK_NOT_FOUND, LINK_EXPIRED, LINK_SCANNED_TWICE, RATE_LIMITED, STORE_UNAVAILABLE
 */
export async function scanLink(
  deps: ScanDeps,
  qrText: string,
  { principal, origin }: Bearer,
): Promise<ScannedLink> {
  const code = await readQrText(deps, qrText);
  if (!code) throw linkNotFound();
  const { challengeId } = code;
  const quotas = await takeScan(deps, principal.accountId);
  const scanned = await scan(deps, { ...code, id: challengeId, scanner: principal });
  switch (scanned.status) {
    case 'scanned':
      await deps.db.tx((tx) => appendScan(tx, principal, { origin }));
      return {
        ...scanned,
        challengeId,
        isSameNetwork: scanned.ipPrefix === origin.ipPrefix,
        expiresInSeconds: secondsLeft(scanned.endsAtMs - deps.clock.nowMs()),
        quotas,
      };
    case 'killed':
      await deps.db.tx(async (tx) => {
        await alert(deps, tx, { first: scanned.first, second: principal, origin });
        await appendScan(tx, principal, { origin, refusal: 'LINK_SCANNED_TWICE' });
      });
      throw scannedTwice();
    case 'scanned_before':
      throw scannedTwice();
    case 'expired':
      throw new DomainError('LINK_EXPIRED', 'This QR code is too old. Scan the next one.');
    case 'gone':
      throw linkNotFound();
    default:
      return scanned satisfies never;
  }
}

async function takeScan(deps: ScanDeps, accountId: string): Promise<readonly QuotaState[]> {
  const policy = deps.policies.linkScansPerAccount;
  const member = deps.random.uuid();
  const taken = await deps.limiter.take([{ policy, key: accountId, member }]);
  if (taken.status === 'refused') throw rateLimited(taken.policy, taken.retryDelayMs);
  return taken.states;
}

function appendScan(
  tx: Tx,
  { accountId, deviceId, sessionId }: Scanner,
  about: { readonly origin: Origin; readonly refusal?: 'LINK_SCANNED_TWICE' },
): Promise<void> {
  const who = { actor: 'account', accountId, deviceId, sessionId } as const;
  return appendAudit(tx, { ...who, ...about, type: 'link.scanned' });
}

/** The owner who scanned first reads of the second scan, and where it came from. */
async function alert(
  deps: { readonly random: Random },
  tx: Tx,
  { first, second, origin }: { first: Scanner; second: Scanner; origin: Origin },
): Promise<void> {
  const { accountId, deviceId, sessionId } = first;
  await appendAudit(tx, {
    type: 'link.killed',
    actor: 'anonymous',
    origin,
    accountId,
    deviceId,
    sessionId,
    details: { isSameAccount: first.accountId === second.accountId },
  });
  await appendEvent(tx, {
    kind: 'security',
    id: deps.random.uuid(),
    accountId,
    event: 'LINK_SCANNED_TWICE',
    deviceId,
    attributes: { ipPrefix: origin.ipPrefix },
  });
}

function scannedTwice(): DomainError {
  const message = 'This QR code was scanned twice, so it is void. Start again on the new device.';
  return new DomainError('LINK_SCANNED_TWICE', message);
}
