import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { BoundedQueue } from '../platform/bounded-queue.ts';
import { Digest } from '../platform/digest.ts';
import { systemRandom } from '../platform/random.ts';
import { newBackupCodes } from './backup-code.ts';
import type { BackupCode } from './backup-code.ts';
import { hashBackupCodes, isStoredCode } from './backup-hash.ts';
import type { HashDeps, HashedCode } from './backup-hash.ts';

const older = { kid: 'older', key: randomBytes(32) };
const newer = { kid: 'newer', key: randomBytes(32) };
const accountId = randomUUID();

function depsWith(digest: Digest, length = 16): HashDeps {
  return {
    digest,
    random: systemRandom,
    bcryptQueue: new BoundedQueue({ concurrency: 2, length }),
  };
}

async function storedCode(deps: HashDeps): Promise<{ code: BackupCode; stored: HashedCode }> {
  const [, code] = newBackupCodes(systemRandom);
  if (!code) throw new Error('There is no second code');
  const [stored] = await hashBackupCodes(deps, accountId, [code]);
  if (!stored) throw new Error('Nothing was hashed');
  return { code, stored };
}

describe('a stored backup code', () => {
  test('is bcrypt at cost 10 of a keyed hash with a salt of its own', async () => {
    const deps = depsWith(new Digest([older]));
    const { code, stored } = await storedCode(deps);
    expect(stored).toMatchObject({ slot: 1, pepperKid: 'older' });
    expect(stored.codeHash).toMatch(/^\$2b\$10\$[./A-Za-z0-9]{53}$/);
    expect(stored.salt).toHaveLength(16);
    expect(await isStoredCode(deps, accountId, { code, stored })).toBe(true);
  });

  test('is wrong for another account, another code and no code', async () => {
    const deps = depsWith(new Digest([older]));
    const { code, stored } = await storedCode(deps);
    const other = {
      ...code,
      text: `${code.text.slice(0, -1)}${code.text.endsWith('0') ? '1' : '0'}`,
    };
    expect(await isStoredCode(deps, randomUUID(), { code, stored })).toBe(false);
    expect(await isStoredCode(deps, accountId, { code: other, stored })).toBe(false);
    expect(await isStoredCode(deps, accountId, { code: undefined, stored })).toBe(false);
    expect(await isStoredCode(deps, accountId, { code, stored: undefined })).toBe(false);
  });

  test('stays right when the pepper is rotated, and not when it is dropped', async () => {
    const { code, stored } = await storedCode(depsWith(new Digest([older])));
    const rotated = depsWith(new Digest([newer, older]));
    expect(await isStoredCode(rotated, accountId, { code, stored })).toBe(true);
    const dropped = depsWith(new Digest([newer]));
    expect(await isStoredCode(dropped, accountId, { code, stored })).toBe(false);
  });

  test('takes one bcrypt to compare, whatever is missing', async () => {
    const deps = depsWith(new Digest([older]));
    const { code, stored } = await storedCode(deps);
    const timeOf = async (given: Parameters<typeof isStoredCode>[2]) => {
      const startedAt = performance.now();
      await isStoredCode(deps, accountId, given);
      return performance.now() - startedAt;
    };
    const usual = await timeOf({ code, stored });
    for (const given of [
      { code: undefined, stored },
      { code, stored: undefined },
      { code, stored: { ...stored, pepperKid: 'gone' } },
    ]) {
      expect(await timeOf(given)).toBeGreaterThan(usual / 3);
    }
  });

  test('is refused when too many wait', async () => {
    const deps = depsWith(new Digest([older]), 0);
    const tries = Array.from({ length: 5 }, () =>
      isStoredCode(deps, accountId, { code: undefined, stored: undefined }),
    );
    const outcomes = await Promise.allSettled(tries);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(3);
    expect(refused[0]).toMatchObject({ reason: { reason: 'OVERLOADED' } });
  });
});
