import { appendAudit } from '../audit/append.ts';
import { deleteDevices } from '../device/store.ts';
import { lockAccountById } from '../entry/store.ts';
import { appendEvent } from '../outbox/append.ts';
import { phoneKeyOf } from '../phone/limits.ts';
import type { E164 } from '../phone/number.ts';
import { endVerifications } from '../phone/proven.ts';
import type { Digest } from '../platform/digest.ts';
import type { Database, Tx } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import { sessionRevoked } from '../session/authenticate.ts';
import { announceRevoked } from '../session/revoke.ts';
import type { AnnounceDeps, RevokeDeps } from '../session/revoke.ts';
import { requireSeniority } from '../session/seniority.ts';
import { revokeSessions } from '../session/store-revocation.ts';
import type { RevokedSession } from '../session/store-revocation.ts';
import type { Bearer } from '../token/principal.ts';
import { deleteAccountRow } from './store-account.ts';

export type DeleteAccountDeps = AnnounceDeps &
  RevokeDeps & { readonly db: Database; readonly random: Random; readonly digest: Digest };

/**
 * Erases the account in one transaction under its lock. What stays: audit rows, which hold no number;
 * revocations until the last access token has ended, so that every replica refuses it; outbox rows
 * until they are delivered; and what is counted per number, or deleting would reset its limits.
 * @throws STEP_UP_REQUIRED
 */
export async function deleteAccount(deps: DeleteAccountDeps, bearer: Bearer): Promise<void> {
  const ended = await deps.db.tx((tx) => erase(deps, tx, bearer));
  await announceRevoked(
    deps,
    ended.map(({ sessionId }) => sessionId),
  );
}

/** Revocations are written before the sessions go: they hold no reference to them, and survive. */
async function erase(deps: DeleteAccountDeps, tx: Tx, bearer: Bearer): Promise<RevokedSession[]> {
  const { principal, origin } = bearer;
  const { accountId, deviceId, sessionId } = principal;
  const account = await lockAccountById(tx, accountId);
  if (!account || account.lockedDownBy) throw sessionRevoked();
  await requireSeniority(deps, tx, principal);
  const ended = await revokeSessions(tx, {
    target: { accountId },
    reason: 'account_deleted',
    tokenSeconds: deps.config.accessTokenTtlSeconds,
  });
  const about = { actor: 'account', origin, accountId, deviceId, sessionId } as const;
  const details = { sessions: ended.length };
  await appendAudit(tx, { ...about, type: 'account.deleted', details });
  await tell(deps, tx, { bearer, phone: account.phone });
  if (account.phone !== null) await endVerifications(deps, tx, [account.phone]);
  await deleteAccountRow(tx, accountId);
  return ended;
}

/** Whoever registers the number next comes after this: the event keeps the number's order. */
async function tell(
  deps: DeleteAccountDeps,
  tx: Tx,
  { bearer: { principal, origin }, phone }: { bearer: Bearer; phone: E164 | null },
): Promise<void> {
  const { accountId, deviceId } = principal;
  const devices = await deleteDevices(tx, accountId);
  for (const device of devices.filter(({ isActive }) => isActive)) {
    const event = { id: deps.random.uuid(), accountId, deviceId: device.id };
    await appendEvent(tx, { ...event, kind: 'device.revoked' });
  }
  await appendEvent(tx, {
    kind: 'user.deprovisioned',
    id: deps.random.uuid(),
    accountId,
    reason: 'DELETED',
    ...(phone !== null && { freedPhoneKey: phoneKeyOf(deps.digest, phone) }),
  });
  await appendEvent(tx, {
    kind: 'security',
    id: deps.random.uuid(),
    accountId,
    event: 'ACCOUNT_DELETED',
    deviceId,
    attributes: { ipPrefix: origin.ipPrefix },
  });
}
