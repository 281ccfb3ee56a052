export type ProviderName = 'twilio' | 'vonage' | 'inbox';

/** One try to send one message by one provider. It is posted once, and never again. */
export interface Attempt {
  /** Random, and of this attempt alone: receipts name it. */
  readonly id: string;
  readonly to: string;
  readonly body: string;
}

/**
 * What became of an attempt. `code` is the provider's or the network's short name of the reason.
 * - accepted: the provider has the message.
 * - refused: nobody can be reached at the number, or an operator blocked its country. Another provider
 *   would be asked in vain, or around the block.
 * - declined: this provider is well and does not want this message; another one may.
 * - failed: this provider is not well, and does not have the message.
 * - unknown: no answer. It may have the message.
 */
export type SendOutcome =
  | { readonly status: 'accepted'; readonly messageId: string }
  | { readonly status: 'refused' | 'declined' | 'failed' | 'unknown'; readonly code: string };

/** What a provider posted, and where. */
export interface RawReceipt {
  readonly attemptId: string;
  /** As the provider was told it. */
  readonly url: string;
  readonly contentType: string;
  readonly body: Uint8Array;
  header(name: string): string | undefined;
}

/** The words of all providers, in the order in which they come; the last two are final. */
export type ReceiptStatus = 'accepted' | 'sent' | 'delivered' | 'undelivered';

export interface Receipt {
  readonly messageId: string;
  /** Undefined for a word that says nothing. */
  readonly status: ReceiptStatus | undefined;
  readonly code: string | undefined;
}

/** Undefined when the signature is not the provider's. */
export type ReceiptReader = (receipt: RawReceipt) => Receipt | undefined;

export interface Provider {
  readonly name: ProviderName;
  /** Never throws. */
  send(attempt: Attempt): Promise<SendOutcome>;
  /** Undefined where there are no receipts. */
  readonly readReceipt?: ReceiptReader;
}

/** Failures before a single byte of the request could be sent. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** What a request that got no answer means. The error itself may hold numbers and passwords. */
export function unanswered(error: unknown): SendOutcome {
  const name = String(field(error, 'name'));
  if (/^(AbortError|TimeoutError|CanceledError)$/.test(name)) {
    return { status: 'unknown', code: 'timeout' };
  }
  const found = field(error, 'code') ?? field(field(error, 'cause'), 'code');
  const code = typeof found === 'string' ? shortened(found) : 'network';
  return { status: NEVER_SENT.test(code) ? 'failed' : 'unknown', code };
}

/** What a status that is no 2xx means, where the body says no more than a code. */
export function answered(httpStatus: number, code = `http-${httpStatus}`): SendOutcome {
  const isUnwell = httpStatus >= 500 || [401, 403, 408, 420, 429].includes(httpStatus);
  return { status: isUnwell ? 'failed' : 'declined', code };
}

/** A property of a value from outside. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** An id or code of a provider, made fit for a row, a label and a log line. */
export function shortened(text: string): string {
  return text.replaceAll(/[^\w-]/g, '').slice(0, 64);
}
