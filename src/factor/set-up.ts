import { qrPngDataUrl } from '../platform/qr.ts';
import type { Tx } from '../platform/postgres.ts';
import type { Bearer } from '../token/principal.ts';
import { keepPending } from '../two-factor/change.ts';
import { newTotpSecret, otpauthUri } from '../two-factor/totp.ts';
import { lockForChange } from './authorize.ts';
import type { ChangeDeps } from './authorize.ts';
import { recordChange, tellOfChange } from './tell.ts';

export type SetUpDeps = ChangeDeps & { readonly config: { readonly twoFactorIssuer: string } };

/** What an authenticator app needs, shown this once. */
export interface Setup {
  /** Base32. */
  readonly secret: string;
  readonly otpauthUri: string;
  /** The same as a PNG data URL. */
  readonly qrCodeUrl: string;
  readonly expiresInSeconds: number;
}

/**
 * Makes an authenticator secret, which counts for nothing until it is proven. A new call replaces
 * the last one's; the devices are told of the first.
 * @throws STEP_UP_REQUIRED, TWO_FACTOR_ALREADY_ENABLED
 */
export async function setUp(deps: SetUpDeps, bearer: Bearer): Promise<Setup> {
  const { twoFactorIssuer, twoFactorPendingSeconds } = deps.config;
  const secret = newTotpSecret();
  const label = await deps.db.tx((tx) => keep(deps, tx, { ...bearer, secret }));
  const uri = otpauthUri(twoFactorIssuer, label, secret);
  return {
    secret,
    otpauthUri: uri,
    qrCodeUrl: await qrPngDataUrl(uri),
    expiresInSeconds: twoFactorPendingSeconds,
  };
}

/** Says what the app shall call the account. */
async function keep(
  deps: SetUpDeps,
  tx: Tx,
  { secret, ...bearer }: Bearer & { readonly secret: string },
): Promise<string> {
  const account = await lockForChange(deps, tx, bearer);
  const { wasPending } = await keepPending(deps, tx, { accountId: account.id, secret });
  if (wasPending) await recordChange(tx, bearer, 'set_up');
  else await tellOfChange(deps, tx, { ...bearer, change: 'set_up' });
  return labelOf(account.phone);
}

/** A number, masked: apps show it, sync it and are photographed. */
function labelOf(phone: string | null): string {
  return phone === null ? 'account' : `${phone.slice(0, 3)}***${phone.slice(-2)}`;
}
