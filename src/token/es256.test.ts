import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CompactSign, compactVerify } from 'jose';
import { derFromRaw, rawFromDer, signEs256, verifyEs256 } from './es256.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Order of P-256 (FIPS 186-5, SEC 2 §2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const scalar = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
const signatureOf = (r: bigint, s: bigint) =>
  Buffer.concat([scalar(r), scalar(s)]).toString('base64url');
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a signature', () => {
  test('of ours is accepted by jose and by Node’s own encoding', async () => {
    const protectedHeader = Buffer.from('{"alg":"ES256"}').toString('base64url');
    const input = `${protectedHeader}.${Buffer.from('payload').toString('base64url')}`;
    const signature = signEs256(input, privateKey);

    const { payload } = await compactVerify(`${input}.${signature}`, publicKey);
    const raw = Buffer.from(signature, 'base64url');
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;

    expect(Buffer.from(payload).toString()).toBe('payload');
    expect(verify('sha256', Buffer.from(input), key, raw)).toBe(true);
  });

  test('of jose is accepted by us', async () => {
    const jws = await new CompactSign(Buffer.from('payload'))
      .setProtectedHeader({ alg: 'ES256' })
      .sign(privateKey);
    const [header = '', payload = '', signature = ''] = jws.split('.');

    expect(verifyEs256(`${header}.${payload}`, signature, publicKey)).toBe(true);
  });

  test('belongs to every input and to its key alone', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    fc.assert(
      fc.property(fc.string(), fc.string(), (input, another) => {
        const signature = signEs256(input, privateKey);
        expect(verifyEs256(input, signature, publicKey)).toBe(true);
        expect(verifyEs256(another, signature, publicKey)).toBe(another === input);
        expect(verifyEs256(input, signature, other.publicKey)).toBe(false);
      }),
    );
  });

  test('is 64 bytes in 86 characters, whatever the integers begin with', () => {
    for (let count = 0; count < 600; count += 1) {
      const signature = signEs256(`message ${count}`, privateKey);
      expect(signature).toMatch(/^[\w-]{86}$/);
      expect(verifyEs256(`message ${count}`, signature, publicKey)).toBe(true);
    }
  });

  test.each([
    ['both zero', signatureOf(0n, 0n)],
    ['r zero', signatureOf(0n, 1n)],
    ['s zero', signatureOf(1n, 0n)],
    ['one and one', signatureOf(1n, 1n)],
    ['r the order', signatureOf(ORDER, 1n)],
    ['s the order', signatureOf(1n, ORDER)],
    ['both one above the order', signatureOf(ORDER + 1n, ORDER + 1n)],
    ['all bits set', Buffer.alloc(64, 0xff).toString('base64url')],
    ['empty', ''],
    ['a byte short', Buffer.alloc(63, 1).toString('base64url')],
    ['a byte long', Buffer.alloc(65, 1).toString('base64url')],
    ['no base64', '!'.repeat(86)],
  ])('that cannot be one is refused, not thrown at: %s', (_name, signature) => {
    expect(verifyEs256('input', signature, publicKey)).toBe(false);
  });

  test('in any other spelling of the same bytes is refused', () => {
    const der = sign('sha256', Buffer.from('input'), privateKey);
    const raw = rawFromDer(der);
    const spelling = raw.toString('base64url');
    const lastBits = `${spelling.slice(0, -1)}${spelling.endsWith('A') ? 'B' : 'A'}`;

    expect(verifyEs256('input', spelling, publicKey)).toBe(true);
    for (const other of [
      raw.toString('base64'),
      `${spelling}==`,
      `${spelling}\n`,
      ` ${spelling}`,
      lastBits,
      raw.toString('hex'),
      der.toString('base64url'),
    ]) {
      expect(verifyEs256('input', other, publicKey)).toBe(false);
    }
  });

  test('does not verify under a key of another kind', () => {
    const signature = signEs256('input', privateKey);
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const imported = createPublicKey(p384.publicKey.export({ type: 'spki', format: 'pem' }));

    expect(verifyEs256('input', signature, imported)).toBe(false);
  });
});

describe('DER and r ‖ s', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const small = bytes.map((value) => value.map((byte, index) => (index < 24 ? 0 : byte)));
  const half = fc.oneof(bytes, small, fc.constantFrom(new Uint8Array(32), scalar(1n)));

  test('turn into each other without loss', () => {
    fc.assert(
      fc.property(half, half, (r, s) => {
        const raw = Buffer.concat([r, s]);
        expect(rawFromDer(derFromRaw(raw)).equals(raw)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('use minimal integers with a zero before a set top bit', () => {
    const raw = Buffer.concat([scalar(0x80n), scalar(0x7fn)]);

    expect(derFromRaw(raw)).toEqual(hex('30 07 02 02 00 80 02 01 7f'));
  });

  test.each([
    ['nothing', ''],
    ['a header alone', '30'],
    ['another tag than SEQUENCE', '31 06 02 01 01 02 01 01'],
    ['a length that is too short', '30 05 02 01 01 02 01 01'],
    ['a length that is too long', '30 07 02 01 01 02 01 01'],
    ['a length in long form', '30 81 06 02 01 01 02 01 01'],
    ['an indefinite length', '30 80 02 01 01 02 01 01 00 00'],
    ['bytes behind it', '30 06 02 01 01 02 01 01 00'],
    ['bytes behind s inside of it', '30 08 02 01 01 02 01 01 05 00'],
    ['no s', '30 03 02 01 01'],
    ['an empty r', '30 05 02 00 02 01 01'],
    ['an empty s', '30 05 02 01 01 02 00'],
    ['another tag than INTEGER for r', '30 06 03 01 01 02 01 01'],
    ['another tag than INTEGER for s', '30 06 02 01 01 04 01 01'],
    ['an r that reaches past the end', '30 06 02 20 01 02 01 01'],
    ['an s that reaches past the end', '30 06 02 01 01 02 02 01'],
    ['an r of 33 bytes without a zero in front', `30 26 02 21 01${'00'.repeat(32)} 02 01 01`],
    ['an r of 34 bytes', `30 27 02 22 0000${'01'.repeat(32)} 02 01 01`],
  ])('refuse to turn %s into r ‖ s', (_name, der) => {
    expect(() => rawFromDer(hex(der))).toThrow(/Not a/);
  });

  test('never read outside of what they were given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (input) => {
        try {
          expect(rawFromDer(Buffer.from(input))).toHaveLength(64);
        } catch (error) {
          expect(String(error)).toMatch(/Not a (DER signature|P-256 scalar)/);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
