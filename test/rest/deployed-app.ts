import { randomUUID } from 'node:crypto';
import { newNumber } from '../support/person.ts';
import type { Answer } from './request.ts';
import { deployedBundle, deployedDevice, newClient } from './rest.ts';
import type { Rest } from './rest.ts';

type Purpose = 'register' | 'login';

/** What the app keeps after it signed in. */
export interface Kept {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly userId: string;
  readonly deviceId: string;
}

/**
 * Sends what the deployed app sends, in its way: a JSON content type on every request, bodyless ones
 * too, and `x-device-type`.
 */
export class DeployedApp {
  readonly phone: string;
  readonly deviceId: string;
  readonly from: string;
  readonly #rest: Rest;

  constructor(rest: Rest, options: { phone?: string; deviceId?: string; from?: string } = {}) {
    this.#rest = rest;
    this.phone = options.phone ?? newNumber();
    this.deviceId = options.deviceId ?? randomUUID();
    this.from = options.from ?? newClient();
  }

  call(method: string, path: string, options: { json?: unknown; token?: string } = {}) {
    const { json, token } = options;
    const headers = {
      'content-type': 'application/json',
      'x-device-type': 'ios',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    return this.#rest.send({ method, path: `/auth/v1${path}`, json, headers, from: this.from });
  }

  request(purpose: Purpose): Promise<Answer> {
    return this.call('POST', `/verify/${purpose}/request`, { json: { phoneNumber: this.phone } });
  }

  confirm(purpose: Purpose, verificationId: string, code = this.newestCode()): Promise<Answer> {
    return this.call('POST', `/verify/${purpose}/confirm`, { json: { verificationId, code } });
  }

  /** `more` are fields that only later versions of the app know. */
  enter(purpose: Purpose, verificationId: string, more: object = {}): Promise<Answer> {
    const json = {
      verificationId,
      ...deployedDevice(this.deviceId),
      signalKeyBundle: deployedBundle(),
      ...more,
    };
    return this.call('POST', `/${purpose}`, { json });
  }

  refresh(refreshToken: string): Promise<Answer> {
    return this.call('POST', '/tokens/refresh', { json: { refreshToken } });
  }

  /**
   * As the app calls whatever takes a bearer: after a 401 it refreshes once and sends the very same
   * request again. Says how often it refreshed.
   */
  async callPatiently(
    kept: Kept,
    [method, path, json]: readonly [method: string, path: string, json?: unknown],
  ): Promise<{ answer: Answer; refreshes: number }> {
    const answer = await this.call(method, path, { json, token: kept.accessToken });
    if (answer.status !== 401) return { answer, refreshes: 0 };
    const token = textOf(await this.refresh(kept.refreshToken), 'accessToken');
    return { answer: await this.call(method, path, { json, token }), refreshes: 1 };
  }

  /** Proves the number: the id that register and login take. */
  async prove(purpose: Purpose): Promise<string> {
    const verificationId = textOf(await this.request(purpose), 'verificationId');
    await this.confirm(purpose, verificationId);
    return verificationId;
  }

  /** All three steps. */
  async signIn(purpose: Purpose): Promise<Kept> {
    const answer = await this.enter(purpose, await this.prove(purpose));
    return {
      accessToken: textOf(answer, 'accessToken'),
      refreshToken: textOf(answer, 'refreshToken'),
      userId: textOf(answer, 'userId'),
      deviceId: textOf(answer, 'deviceId'),
    };
  }

  newestCode(): string {
    return this.#rest.app.inbox.codeFor(this.phone);
  }
}

/** A text field of a successful answer. @throws with the whole answer when it has none */
export function textOf(answer: Answer, name: string): string {
  const value = fieldOf(answer.json, name);
  if (answer.status !== 200 || typeof value !== 'string' || value === '') {
    throw new Error(`No ${name} in ${answer.status} ${answer.text}`);
  }
  return value;
}

/** A field of a JSON object. */
export function fieldOf(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined;
}

/** The reason of an error body. */
export function reasonOf({ json }: Answer): unknown {
  const details = fieldOf(json, 'details');
  return Array.isArray(details) ? fieldOf(details[0], 'reason') : undefined;
}
