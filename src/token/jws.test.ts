import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { signEs256 } from './es256.ts';
import { signJws, verifyJws } from './jws.ts';
import type { TokenType } from './jws.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = { kid: 'k1', privateKey: pair.privateKey };
const find = (kid: string) => (kid === 'k1' ? pair.publicKey : undefined);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { sub: 'a', exp: 1 };

/** A token with this header and payload, rightly signed by our key. */
function signed(header: unknown, payload: unknown = claims): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${signEs256(input, pair.privateKey)}`;
}

const statusOf = (token: string, type: TokenType = 'at+jwt') => verifyJws(token, type, find).status;

describe('a compact JWS', () => {
  test('has exactly alg, typ and kid in its header', () => {
    const [header = ''] = signJws('at+jwt', claims, signer).split('.');

    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
      alg: 'ES256',
      typ: 'at+jwt',
      kid: 'k1',
    });
  });

  test('gives its claims back, whatever they are', () => {
    const values = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 });
    fc.assert(
      fc.property(values, (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        const verified = verifyJws(signJws('at+jwt', value, signer), 'at+jwt', find);
        expect(verified).toEqual({ status: 'valid', claims: plain });
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ['at+jwt', 'rt+jwt'],
    ['rt+jwt', 'at+jwt'],
    ['ws+jwt', 'at+jwt'],
    ['at+jwt', 'ws+jwt'],
  ] as const)('of type %s is none of type %s', (made, expected) => {
    expect(statusOf(signJws(made, claims, signer), expected)).toBe('invalid');
  });

  test.each(['JWT', 'application/at+jwt', 'AT+JWT', 1, undefined])(
    'with the type %s is refused',
    (typ) => {
      expect(statusOf(signed({ alg: 'ES256', typ, kid: 'k1' }))).toBe('invalid');
    },
  );

  test.each(['none', 'None', 'HS256', 'RS256', 'PS256', 'ES384', 'EdDSA', 'es256', '', undefined])(
    'with the algorithm %s is refused, though our key signed it',
    (alg) => {
      expect(statusOf(signed({ alg, typ: 'at+jwt', kid: 'k1' }))).toBe('invalid');
    },
  );

  test('without a signature is refused', () => {
    const input = `${encode({ alg: 'none', typ: 'at+jwt', kid: 'k1' })}.${encode(claims)}`;

    expect(statusOf(`${input}.`)).toBe('invalid');
    expect(statusOf(input)).toBe('invalid');
  });

  test('signed with the public key as an HMAC secret is refused', () => {
    const secret = pair.publicKey.export({ type: 'spki', format: 'pem' });
    const attempts = ['HS256', 'ES256'].map((alg) => {
      const input = `${encode({ alg, typ: 'at+jwt', kid: 'k1' })}.${encode(claims)}`;
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    });

    expect(attempts.map((token) => statusOf(token))).toEqual(['invalid', 'invalid']);
  });

  test('signed with RSA is refused', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const input = `${encode({ alg: 'RS256', typ: 'at+jwt', kid: 'k1' })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(input), rsa.privateKey).toString('base64url');

    expect(statusOf(`${input}.${signature}`)).toBe('invalid');
  });

  test.each([
    ['crit', { crit: ['exp'] }],
    ['jku', { jku: 'https://evil.example/jwks.json' }],
    ['jwk', { jwk: pair.publicKey.export({ format: 'jwk' }) }],
    ['x5u', { x5u: 'https://evil.example/cert.pem' }],
    ['x5c', { x5c: ['MIIB'] }],
    ['b64', { b64: false }],
    ['zip', { zip: 'DEF' }],
    ['cty', { cty: 'JWT' }],
    ['anything', { anything: null }],
  ])('with the header member %s is refused, though rightly signed', (_name, extra) => {
    expect(statusOf(signed({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...extra }))).toBe('invalid');
  });

  test.each([
    ['a list', ['k1']],
    ['a number', 1],
    ['null', null],
    ['longer than 64 characters', 'k'.repeat(65)],
  ])('whose kid is %s is refused without looking for a key', (_name, kid) => {
    const looked: string[] = [];
    const token = signed({ alg: 'ES256', typ: 'at+jwt', kid });
    const verified = verifyJws(token, 'at+jwt', (name) => {
      looked.push(name);
      return pair.publicKey;
    });

    expect(verified).toEqual({ status: 'invalid' });
    expect(looked).toEqual([]);
  });

  test('names the key that is unknown here, so that it can be looked for', () => {
    const token = signed({ alg: 'ES256', typ: 'at+jwt', kid: 'k2' });

    expect(verifyJws(token, 'at+jwt', find)).toEqual({ status: 'unknown_key', kid: 'k2' });
  });

  test.each([
    ['a list', [1]],
    ['a string', 'sub'],
    ['null', null],
    ['a number', 1],
  ])('whose payload is %s is refused, though rightly signed', (_name, payload) => {
    expect(statusOf(signed({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' }, payload))).toBe('invalid');
  });

  test('longer than 4096 characters is refused before it is read', () => {
    const header = { alg: 'ES256', typ: 'at+jwt', kid: 'k1' };
    const looked: string[] = [];
    const verified = verifyJws(signed(header, { a: 'x'.repeat(4096) }), 'at+jwt', (kid) => {
      looked.push(kid);
      return pair.publicKey;
    });

    expect(verified).toEqual({ status: 'invalid' });
    expect(looked).toEqual([]);
  });

  test('is refused after any change of any one character, and at any shorter length', () => {
    const token = signJws('at+jwt', claims, signer);
    const changes = Array.from(token, (own, index) => {
      const other = own === 'A' ? 'B' : 'A';
      return `${token.slice(0, index)}${other}${token.slice(index + 1)}`;
    });
    const cuts = Array.from(token, (_own, index) => token.slice(0, index));

    for (const attempt of [...changes, ...cuts]) {
      expect([attempt, statusOf(attempt)]).not.toEqual([attempt, 'valid']);
    }
  });

  test.each([
    ['padding behind the header', ([h, p, s]: string[]) => `${h}=.${p}.${s}`],
    ['padding behind the payload', ([h, p, s]: string[]) => `${h}.${p}=.${s}`],
    ['padding behind the signature', ([h, p, s]: string[]) => `${h}.${p}.${s}==`],
    ['a fourth part', ([h, p, s]: string[]) => `${h}.${p}.${s}.`],
    ['a line end behind it', ([h, p, s]: string[]) => `${h}.${p}.${s}\n`],
    ['blanks in front', ([h, p, s]: string[]) => ` ${h}.${p}.${s}`],
    ['its parts exchanged', ([h, p, s]: string[]) => `${p}.${h}.${s}`],
  ])('with %s is refused', (_name, spell) => {
    const token = signJws('at+jwt', claims, signer);

    expect(statusOf(spell(token.split('.')))).toBe('invalid');
  });

  test('that is no token at all is refused, not thrown at', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(statusOf(text)).toBe('invalid');
      }),
    );
  });
});
