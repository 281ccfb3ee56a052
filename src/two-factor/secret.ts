import type { Database } from '../platform/postgres.ts';
import type { Sealed, Sealer } from '../platform/seal.ts';
import { updateSealed } from './store.ts';

export interface SecretDeps {
  readonly sealer: Sealer;
}

/** What an envelope is bound to: one copied to another account or column does not open. */
function contextOf(accountId: string, state: 'on' | 'pending'): string[] {
  return state === 'on'
    ? ['users_auth', accountId, 'totp']
    : ['two_factor_states', accountId, 'totp-pending'];
}

export function sealSecret(
  { sealer }: SecretDeps,
  accountId: string,
  secret: { readonly text: string; readonly state: 'on' | 'pending' },
): Sealed {
  return sealer.seal(Buffer.from(secret.text), contextOf(accountId, secret.state));
}

export function openPendingSecret(
  { sealer }: SecretDeps,
  accountId: string,
  sealed: Sealed,
): string {
  return sealer.open(sealed, contextOf(accountId, 'pending')).toString();
}

/** Opens the secret that is on; one under an older key is stored under the newest on its way. */
export async function openSecret(
  deps: SecretDeps & { readonly db: Database },
  accountId: string,
  sealed: Sealed,
): Promise<string> {
  const text = deps.sealer.open(sealed, contextOf(accountId, 'on')).toString();
  if (!deps.sealer.isCurrent(sealed)) {
    const to = sealSecret(deps, accountId, { text, state: 'on' });
    await updateSealed(deps.db, accountId, { from: sealed, to });
  }
  return text;
}
