import { createHash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../platform/clock.ts';
import type { Sealer } from '../platform/seal.ts';
import { signEs256, verifyEs256 } from './es256.ts';
import type { Signer } from './jws.ts';
import { importPublicKey, openPrivateKey } from './signing-key.ts';
import type { KeyPurpose, SigningKeyRow } from './store.ts';

export interface KeyRingDeps {
  /** The table as it is now, newest key of each purpose first. */
  readonly readKeys: () => Promise<readonly SigningKeyRow[]>;
  readonly clock: Clock;
  readonly sealer: Sealer;
}

/** The JWKS (RFC 7517 §5) as it is served, and its entity tag. */
export interface JwksDocument {
  readonly body: Buffer;
  readonly etag: string;
}

interface Loaded {
  readonly signers: Readonly<Record<KeyPurpose, Signer>>;
  readonly publicKeys: Readonly<Record<KeyPurpose, ReadonlyMap<string, KeyObject>>>;
  readonly jwks: JwksDocument;
}

/** A key that is not in the ring is looked for at most this often. */
const REFETCH_PAUSE_MS = 30_000;

/**
 * The signing keys in memory: served from there, so tokens and JWKS need no store. `reload` runs
 * at start, on a schedule, and once per pause when a token names a key that is not here yet.
 */
export class KeyRing {
  readonly #deps: KeyRingDeps;
  #loaded: Loaded | undefined;
  #refetch: Promise<void> | undefined;
  #refetchedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: KeyRingDeps) {
    this.#deps = deps;
  }

  /** Reads the table and proves each active key by signing; keeps the old keys when that fails. */
  async reload(): Promise<void> {
    const rows = await this.#deps.readKeys();
    this.#loaded = load(rows, this.#deps.sealer);
  }

  isLoaded(): boolean {
    return this.#loaded !== undefined;
  }

  signer(purpose: KeyPurpose): Signer {
    return this.#keys().signers[purpose];
  }

  publicKey(purpose: KeyPurpose, kid: string): KeyObject | undefined {
    return this.#keys().publicKeys[purpose].get(kid);
  }

  jwks(): JwksDocument {
    return this.#keys().jwks;
  }

  /** Looks for an unknown kid: one flight for all callers, at most one per pause. */
  async refetch(): Promise<void> {
    const now = this.#deps.clock.nowMs();
    if (!this.#refetch && now - this.#refetchedAtMs < REFETCH_PAUSE_MS) return;
    this.#refetch ??= this.#reloadOnce(now);
    await this.#refetch;
  }

  async #reloadOnce(now: number): Promise<void> {
    try {
      await this.reload();
      this.#refetchedAtMs = now;
    } finally {
      this.#refetch = undefined;
    }
  }

  #keys(): Loaded {
    if (!this.#loaded) throw new Error('The key ring was used before it was loaded');
    return this.#loaded;
  }
}

function load(rows: readonly SigningKeyRow[], sealer: Sealer): Loaded {
  return {
    signers: {
      access: activeSigner(rows, 'access', sealer),
      refresh: activeSigner(rows, 'refresh', sealer),
    },
    publicKeys: { access: publicKeysOf(rows, 'access'), refresh: publicKeysOf(rows, 'refresh') },
    jwks: jwksOf(rows),
  };
}

function activeSigner(rows: readonly SigningKeyRow[], purpose: KeyPurpose, sealer: Sealer): Signer {
  const row = rows.find((key) => key.purpose === purpose && key.state === 'active');
  if (!row) throw new Error(`There is no active ${purpose} signing key`);
  const privateKey = openPrivateKey(sealer, row);
  const probe = `self-test ${row.kid}`;
  if (!verifyEs256(probe, signEs256(probe, privateKey), importPublicKey(row.publicJwk))) {
    throw new Error(`The ${purpose} signing key ${row.kid} does not match its public key`);
  }
  return { kid: row.kid, privateKey };
}

function publicKeysOf(rows: readonly SigningKeyRow[], purpose: KeyPurpose): Map<string, KeyObject> {
  const own = rows.filter((row) => row.purpose === purpose);
  return new Map(own.map((row) => [row.kid, importPublicKey(row.publicJwk)]));
}

/** Access keys only, the active one first: one deployed sibling reads nothing but the first. */
function jwksOf(rows: readonly SigningKeyRow[]): JwksDocument {
  const rank = { active: 0, pending: 1, retired: 2 } as const;
  const keys = rows
    .filter((row) => row.purpose === 'access')
    .sort((left, right) => rank[left.state] - rank[right.state])
    .map(({ kid, publicJwk }) => {
      const { kty, crv, x, y } = publicJwk;
      return { kty, crv, x, y, use: 'sig', alg: 'ES256', kid };
    });
  const body = Buffer.from(JSON.stringify({ keys }));
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
