import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyedSecret } from './digest.ts';

/** An AES-256-GCM envelope as it is stored: version, key name, 96-bit nonce, ciphertext ‖ tag. */
export interface Sealed {
  readonly v: 1;
  readonly kid: string;
  readonly nonce: string;
  readonly ciphertext: string;
}

const TAG_BYTES = 16;

/** Seals small secrets for storage, under a rotating set of 256-bit keys, newest first. */
export class Sealer {
  readonly #keys: readonly [KeyedSecret, ...KeyedSecret[]];

  constructor(keys: readonly [KeyedSecret, ...KeyedSecret[]]) {
    this.#keys = keys;
  }

  /** `context` (table, row, purpose) is authenticated: an envelope moved elsewhere does not open. */
  seal(plaintext: Buffer, context: readonly string[]): Sealed {
    const { kid, key } = this.#keys[0];
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additionalData(context));
    const body = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return {
      v: 1,
      kid,
      nonce: nonce.toString('base64'),
      ciphertext: body.toString('base64'),
    };
  }

  /** @throws Error when the key is gone, the context differs or the bytes were changed. */
  open(sealed: Sealed, context: readonly string[]): Buffer {
    const found = this.#keys.find((key) => key.kid === sealed.kid);
    if (!found) throw new Error(`No key-encryption key is named ${sealed.kid}`);
    const body = Buffer.from(sealed.ciphertext, 'base64');
    // A shorter tag would be easier to forge, and Node would take it.
    if (body.length < TAG_BYTES) throw new Error('The sealed value was cut');
    const nonce = Buffer.from(sealed.nonce, 'base64');
    const options = { authTagLength: TAG_BYTES };
    const decipher = createDecipheriv('aes-256-gcm', found.key, nonce, options)
      .setAAD(additionalData(context))
      .setAuthTag(body.subarray(body.length - TAG_BYTES));
    return Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()]);
  }

  /** Whether the envelope is under the newest key; if not, sealing it again completes a rotation. */
  isCurrent(sealed: Sealed): boolean {
    return sealed.kid === this.#keys[0].kid;
  }
}

function additionalData(context: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(context));
}
