import { signEs256, verifyEs256 } from '../token/es256.ts';
import type { KeyRing } from '../token/key-ring.ts';

export interface QrTextDeps {
  readonly keyRing: KeyRing;
}

/** What a QR code holds: nothing that collects tokens. */
export interface QrCode {
  readonly challengeId: string;
  /** SHA-256 of the new device's ephemeral key, base64url. */
  readonly keyHash: string;
  /** How many codes the challenge may have after this one: it names the code. */
  readonly codesLeft: number;
}

const FORM = /^whispr-link-1\.([\w-]{22})\.([\w-]{43})\.(\d)\.([\w-]{1,64})\.([\w-]{86})$/;

/**
 * The text of a QR code, signed by the key that access tokens are verified with, so that a scanning
 * app can check it too. It is no JWT on purpose: everybody may ask for one, and no verifier of the
 * published keys must take it for a token; and half as many modules are easier to read.
 */
export function writeQrText({ keyRing }: QrTextDeps, code: QrCode): string {
  const { kid, privateKey } = keyRing.signer('access');
  const text = `whispr-link-1.${code.challengeId}.${code.keyHash}.${code.codesLeft}.${kid}`;
  return `${text}.${signEs256(text, privateKey)}`;
}

/** The code of a text that this service signed, in time or not: the challenge itself knows its end. */
export async function readQrText(
  { keyRing }: QrTextDeps,
  text: string,
): Promise<QrCode | undefined> {
  const [, challengeId = '', keyHash = '', left = '', kid = '', signature = ''] =
    FORM.exec(text) ?? [];
  if (kid === '') return undefined;
  if (!keyRing.publicKey('access', kid)) await keyRing.refetch();
  const key = keyRing.publicKey('access', kid);
  const input = text.slice(0, text.lastIndexOf('.'));
  if (!key || !verifyEs256(input, signature, key)) return undefined;
  return { challengeId, keyHash, codesLeft: Number(left) };
}
