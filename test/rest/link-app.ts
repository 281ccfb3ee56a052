import { randomUUID } from 'node:crypto';
import { ephemeralKey, signed } from '../support/link.ts';
import type { EphemeralKey } from '../support/link.ts';
import { textOf } from './deployed-app.ts';
import type { Answer } from './request.ts';
import { newClient } from './rest.ts';
import type { Rest } from './rest.ts';

/** A browser that shows a QR code, over REST and without any token. */
export class LinkApp {
  readonly deviceId = randomUUID();
  readonly from = newClient();
  readonly #rest: Rest;
  readonly #key: EphemeralKey = ephemeralKey();
  #started: Answer | undefined;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  async start(): Promise<Answer> {
    this.#started = await this.#post('', {
      ephemeralPublicKey: Buffer.from(this.#key.publicKey).toString('base64'),
      deviceId: this.deviceId,
      deviceName: 'Firefox on Linux',
      deviceType: 'web',
      appVersion: '2.4.1',
    });
    return this.#started;
  }

  /** What the answer to the start holds. @throws before a start */
  shown(name: 'challengeId' | 'qrText' | 'confirmationNumber'): string {
    if (this.#started === undefined) throw new Error('Nothing was started');
    return textOf(this.#started, name);
  }

  get(suffix = ''): Promise<Answer> {
    const path = `/auth/v1/device/link/${this.shown('challengeId')}${suffix}`;
    return this.#rest.send({ method: 'GET', path, from: this.from });
  }

  reissue(reissuesLeft: number): Promise<Answer> {
    const text = `whispr-qr-reissue-v1${this.shown('challengeId')}${reissuesLeft}`;
    return this.#post('/reissue', this.#proof(text));
  }

  /** `key` signs; another's is refused. */
  complete(key = this.#key): Promise<Answer> {
    const text = `whispr-qr-v1${this.shown('challengeId')}`;
    return this.#post('/complete', this.#proof(text, key));
  }

  #proof(text: string, key = this.#key) {
    const signature = signed(key, text).toString('base64');
    return { challengeId: this.shown('challengeId'), signature };
  }

  #post(path: string, json: unknown): Promise<Answer> {
    return this.#rest.send({
      method: 'POST',
      path: `/auth/v1/device/link${path}`,
      json,
      from: this.from,
    });
  }
}
