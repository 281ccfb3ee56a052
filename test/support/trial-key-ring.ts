import type { Clock } from '../../src/platform/clock.ts';
import { Sealer } from '../../src/platform/seal.ts';
import type { Random } from '../../src/platform/random.ts';
import { KeyRing } from '../../src/token/key-ring.ts';
import { generateSigningKey } from '../../src/token/signing-key.ts';
import type { SigningKeyRow } from '../../src/token/store.ts';
import type { TokenDeps } from '../../src/token/access-token.ts';

export const trialSealer = new Sealer([{ kid: 'trial', key: Buffer.alloc(32, 7) }]);

/** Rows as a ring reads them, and how often it did. */
export class TrialKeys {
  rows: readonly SigningKeyRow[];
  reads = 0;

  constructor(rows: readonly SigningKeyRow[]) {
    this.rows = rows;
  }

  readonly read = (): Promise<readonly SigningKeyRow[]> => {
    this.reads += 1;
    return Promise.resolve(this.rows);
  };
}

/** A clock that stands still until it is moved. */
export class TrialClock implements Clock {
  ms: number;

  constructor(ms = Date.UTC(2026, 0, 2, 3, 4, 5)) {
    this.ms = ms;
  }

  nowMs(): number {
    return this.ms;
  }

  pass(seconds: number): void {
    this.ms += seconds * 1000;
  }
}

/** UUIDs in order, and a code that is known. */
export function trialRandom(): Random {
  let count = 0;
  return {
    code: (digits) => '1'.padStart(digits, '0'),
    uuid: () => {
      count += 1;
      return `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
    },
    bytes: (count) => Buffer.alloc(count, 1),
  };
}

export interface TrialTokens extends TokenDeps {
  readonly clock: TrialClock;
  readonly keys: TrialKeys;
}

/** Everything that tokens need: one active key of each purpose, and a clock that stands still. */
export async function trialTokens(): Promise<TrialTokens> {
  const keys = new TrialKeys([
    await generateSigningKey(trialSealer, 'access', 'active'),
    await generateSigningKey(trialSealer, 'refresh', 'active'),
  ]);
  const clock = new TrialClock();
  const keyRing = new KeyRing({ readKeys: keys.read, clock, sealer: trialSealer });
  await keyRing.reload();
  const config = {
    jwtIssuer: 'https://auth.example',
    jwtAccessAudience: 'whispr',
    jwtRefreshAudience: 'whispr-refresh',
    accessTokenTtlSeconds: 600,
    wsTokenTtlSeconds: 60,
  };
  return { clock, keys, keyRing, random: trialRandom(), config };
}
