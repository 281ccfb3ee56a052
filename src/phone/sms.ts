import { DomainError } from '../errors.ts';
import type { E164 } from './number.ts';

export interface SmsMessage {
  readonly to: E164;
  readonly body: string;
  /** Random id of this send; idempotency key at the provider, and unrelated to the verification. */
  readonly sendId: string;
}

/** Something that delivers text messages. */
export interface SmsSender {
  /** Resolves once the provider has taken the message. @throws SMS_UNAVAILABLE */
  send(message: SmsMessage): Promise<void>;
}

interface InboxOptions {
  readonly url: string;
  readonly timeoutMs: number;
}

/** The local stack's inbox, where a person reads the code. Development and test only. */
export function createInboxSender(options: InboxOptions): SmsSender {
  return { send: (message) => postToInbox(options, message) };
}

/** Refuses every send: no provider is configured. */
export function createAbsentSender(): SmsSender {
  return { send: () => Promise.reject(smsUnavailable(new Error('SMS_PROVIDERS is empty'))) };
}

async function postToInbox(options: InboxOptions, message: SmsMessage): Promise<void> {
  try {
    const response = await fetch(`${options.url}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The inbox answered ${response.status}`);
  } catch (error) {
    throw smsUnavailable(error);
  }
}

function smsUnavailable(cause: unknown): DomainError {
  const message = 'The code could not be sent. Please try again in a moment.';
  return new DomainError('SMS_UNAVAILABLE', message, { retryDelayMs: 5_000, cause });
}
