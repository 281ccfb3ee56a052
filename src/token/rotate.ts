import type { Database } from '../platform/postgres.ts';
import type { Sealer } from '../platform/seal.ts';
import { generateSigningKey, importSigningKey } from './signing-key.ts';
import {
  activateKey,
  deleteSpentKeys,
  insertSigningKey,
  lockSigningKeys,
  retireActiveKey,
  selectRipeKey,
  selectSigningKeys,
} from './store.ts';
import type { KeyPurpose, SigningKeyRow } from './store.ts';

export interface RotateDeps {
  readonly db: Database;
  readonly sealer: Sealer;
}

export interface FirstKeyOptions {
  /** PEM to import as the first access key. */
  readonly privatePem: string | undefined;
  readonly publicPem: string | undefined;
  /** Whether a missing access key may be made here; in production it has to be imported. */
  readonly mayGenerate: boolean;
}

/**
 * Makes sure that both purposes have an active key. `privatePem` becomes the access key where there
 * is none, and is ignored if it is known. Replicas that start together agree on one key.
 * @throws Error when the table has another access key, or none and none may be generated
 */
export async function ensureSigningKeys(deps: RotateDeps, options: FirstKeyOptions): Promise<void> {
  const imported =
    options.privatePem === undefined
      ? undefined
      : await importSigningKey(deps.sealer, options.privatePem, options.publicPem);
  const refresh = await generateSigningKey(deps.sealer, 'refresh', 'active');
  const access = imported ?? (await generateSigningKey(deps.sealer, 'access', 'active'));
  await deps.db.tx(async (tx) => {
    await lockSigningKeys(tx);
    const known = await selectSigningKeys(tx);
    refuseUnexpected(known, imported, options.mayGenerate);
    await insertSigningKey(tx, refresh);
    await insertSigningKey(tx, access);
  });
}

/** Creates the next key, published but not yet signing; says its kid, or nothing if one waits. */
export async function createNextKey(
  deps: RotateDeps,
  purpose: KeyPurpose,
): Promise<string | undefined> {
  const next = await generateSigningKey(deps.sealer, purpose, 'pending');
  const inserted = await deps.db.tx(async (tx) => {
    await lockSigningKeys(tx);
    return insertSigningKey(tx, next);
  });
  return inserted ? next.kid : undefined;
}

/** Lets a pending key sign once it has been published for `seconds`; says its kid. */
export async function activateRipeKey(
  deps: RotateDeps,
  purpose: KeyPurpose,
  seconds: number,
): Promise<string | undefined> {
  return deps.db.tx(async (tx) => {
    await lockSigningKeys(tx);
    const ripe = await selectRipeKey(tx, purpose, seconds);
    if (!ripe) return undefined;
    await retireActiveKey(tx, purpose);
    await activateKey(tx, ripe.kid);
    return ripe.kid;
  });
}

/** What the periodic job does: activate what is ripe, forget what can verify nothing any more. */
export async function turnKeys(
  deps: RotateDeps,
  seconds: { pending: number; accessKept: number; refreshKept: number },
): Promise<void> {
  await activateRipeKey(deps, 'access', seconds.pending);
  await activateRipeKey(deps, 'refresh', seconds.pending);
  await deleteSpentKeys(deps.db, { access: seconds.accessKept, refresh: seconds.refreshKept });
}

function refuseUnexpected(
  known: readonly SigningKeyRow[],
  imported: SigningKeyRow | undefined,
  mayGenerate: boolean,
): void {
  const accessKeys = known.filter((key) => key.purpose === 'access');
  if (accessKeys.length === 0 && !imported && !mayGenerate) {
    throw new Error('JWT_PRIVATE_KEY is required: there is no access signing key yet');
  }
  if (imported && accessKeys.length > 0 && !accessKeys.some(({ kid }) => kid === imported.kid)) {
    throw new Error('JWT_PRIVATE_KEY is not a known access key; rotate with the command instead');
  }
}
