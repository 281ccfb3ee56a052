import { appendAudit } from '../audit/append.ts';
import type { AuditEvent } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import type { Database } from '../platform/postgres.ts';
import type { Digest } from '../platform/digest.ts';
import { requireSeniority } from '../session/seniority.ts';
import type { SeniorityDeps } from '../session/seniority.ts';
import type { Bearer } from '../token/principal.ts';
import { approve, decline, linkNotFound, linkStateWrong } from './record.ts';
import type { Decision, RecordDeps } from './record.ts';
import { hashesOfNumber } from './start.ts';

export type DecideDeps = RecordDeps &
  SeniorityDeps & { readonly db: Database; readonly digest: Digest };

/**
 * The session that scanned lets the new device in, by the number that it shows. There is one try: a
 * wrong number ends the challenge. A refused junior session has not used the try.
 * @throws STEP_UP_REQUIRED, LINK_NOT_FOUND, LINK_STATE_WRONG, LINK_NUMBER_WRONG, STORE_UNAVAILABLE
 */
export async function approveLink(
  deps: DecideDeps,
  input: { readonly challengeId: string; readonly number: string },
  bearer: Bearer,
): Promise<void> {
  const { principal } = bearer;
  const { challengeId } = input;
  await deps.db.tx((tx) => requireSeniority(deps, tx, principal));
  const { accountId, sessionId } = principal;
  const numbers = hashesOfNumber(deps, challengeId, input.number);
  await settle(deps, await approve(deps, challengeId, { accountId, sessionId, numbers }), bearer);
}

/** Any session of the account that scanned may refuse. @throws LINK_NOT_FOUND, LINK_STATE_WRONG */
export async function declineLink(
  deps: DecideDeps,
  challengeId: string,
  bearer: Bearer,
): Promise<void> {
  const decision = await decline(deps, challengeId, bearer.principal.accountId);
  await settle(deps, decision, bearer);
}

function numberWrong(): DomainError {
  const message = 'That is not the number on the new device. Start again there.';
  const violations = [
    { field: 'confirmationNumber', description: 'is not what the new device shows' },
  ];
  return new DomainError('LINK_NUMBER_WRONG', message, { violations });
}

/** Records what was decided, and says what was not. */
async function settle(deps: DecideDeps, decision: Decision, bearer: Bearer): Promise<void> {
  switch (decision) {
    case 'approved':
      return record(deps, bearer, { type: 'link.approved' });
    case 'declined':
      return record(deps, bearer, { type: 'link.declined' });
    case 'wrong':
      await record(deps, bearer, { type: 'link.approved', refusal: 'LINK_NUMBER_WRONG' });
      throw numberWrong();
    case 'not_yours':
      throw linkStateWrong('Scan the QR code with this device first.');
    case 'decided':
      throw linkStateWrong('This QR login is decided already.');
    case 'gone':
      throw linkNotFound();
    default:
      return decision satisfies never;
  }
}

async function record(
  { db }: DecideDeps,
  { principal, origin }: Bearer,
  event: Pick<AuditEvent, 'type' | 'refusal'>,
): Promise<void> {
  const { accountId, deviceId, sessionId } = principal;
  const who = { actor: 'account', origin, accountId, deviceId, sessionId } as const;
  await db.tx((tx) => appendAudit(tx, { ...who, ...event }));
}
