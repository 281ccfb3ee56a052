import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { trialTokens } from '../../test/support/trial-key-ring.ts';
import type { TrialTokens } from '../../test/support/trial-key-ring.ts';
import { readQrText, writeQrText } from './qr-text.ts';

const code = {
  challengeId: randomBytes(16).toString('base64url'),
  keyHash: randomBytes(32).toString('base64url'),
  codesLeft: 5,
};
let deps: TrialTokens;

beforeAll(async () => {
  deps = await trialTokens();
});

describe('the text of a QR code', () => {
  test('says what it holds, in few characters', async () => {
    const text = writeQrText(deps, code);
    expect(await readQrText(deps, text)).toEqual(code);
    expect(text.length).toBeLessThan(220);
  });

  test('is refused in every other spelling', async () => {
    const text = writeQrText(deps, code);
    const others = [
      text.toUpperCase(),
      text.replace('whispr-link-1', 'whispr-link-2'),
      text.replace('.5.', '.4.'),
      `${text}=`,
      `${text}\n`,
      text.split('.').slice(0, -1).join('.'),
      '',
    ];
    for (const other of others) expect(await readQrText(deps, other)).toBeUndefined();
  });

  test('of a key that came later makes the ring look once', async () => {
    const later = await trialTokens();
    const text = writeQrText(later, code);
    expect(await readQrText(deps, text)).toBeUndefined();
    const reads = deps.keys.reads;
    await readQrText(deps, text);
    expect(deps.keys.reads).toBe(reads);
    deps.keys.rows = [...deps.keys.rows, ...later.keys.rows];
    deps.clock.pass(31);
    expect(await readQrText(deps, text)).toEqual(code);
  });
});
