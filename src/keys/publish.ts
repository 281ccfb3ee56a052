import type { Tx } from '../platform/postgres.ts';
import type { KeyBundle } from './bundle.ts';
import { insertIdentityKey, insertKemPreKeys, insertPreKeys, insertSignedPreKey } from './store.ts';
import type { KeyOwner } from './store.ts';

/**
 * Publishes the first keys of a device. A device that has an identity key keeps all it has: signing
 * in never replaces keys. Says whether the bundle was stored.
 */
export async function publishFirst(tx: Tx, owner: KeyOwner, bundle: KeyBundle): Promise<boolean> {
  if (!(await insertIdentityKey(tx, owner, bundle))) return false;
  await insertSignedPreKey(tx, owner, bundle);
  if (bundle.preKeys.length > 0) await insertPreKeys(tx, owner, bundle);
  if (bundle.kemPreKeys.length > 0) await insertKemPreKeys(tx, owner, bundle);
  return true;
}
