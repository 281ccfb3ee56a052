import { createHmac } from 'node:crypto';
import { parse } from 'node:querystring';
import type { SMS } from '@vonage/sms';
import { equalsInConstantTime } from '../platform/secret.ts';
import { answered, field, shortened, unanswered } from './provider.ts';
import type { Attempt, Provider, RawReceipt, Receipt, SendOutcome } from './provider.ts';

interface VonageOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly signatureSecret: string;
  readonly signatureMethod: 'sha256' | 'sha512';
  readonly from: string;
  readonly apiUrl: string;
  readonly timeoutMs: number;
  /** Vonage drops a message that it could not deliver for this long. */
  readonly validitySeconds: number;
  /** Where the receipts of an attempt go. */
  readonly receiptUrl: (attemptId: string) => string;
}

/** Loads Vonage's SDK, which is why it is opened only where it is configured. */
export async function createVonage(options: VonageOptions): Promise<Provider> {
  const [{ Auth }, { SMS: Client }] = await Promise.all([
    import('@vonage/auth'),
    import('@vonage/sms'),
  ]);
  const { apiKey, apiSecret, apiUrl, timeoutMs } = options;
  // An empty key: without one the SDK looks for a file named undefined, of which Node warns.
  const auth = new Auth({ apiKey, apiSecret, privateKey: '' });
  const client = new Client(auth, { restHost: apiUrl, timeout: timeoutMs });
  return {
    name: 'vonage',
    send: (attempt) => post(client, options, attempt),
    readReceipt: (receipt) => read(options, receipt),
  };
}

async function post(
  client: SMS,
  { from, validitySeconds, receiptUrl }: VonageOptions,
  attempt: Attempt,
): Promise<SendOutcome> {
  try {
    const answer = await client.send({
      from,
      to: attempt.to.replace('+', ''),
      text: attempt.body,
      ttl: validitySeconds * 1_000,
      clientRef: attempt.id,
      callback: receiptUrl(attempt.id),
    });
    const messageId = firstOf(field(answer, 'messages'), 'messageId');
    // A 200 that the SDK could not read: somebody took something.
    if (messageId === undefined) return { status: 'unknown', code: 'unreadable' };
    return { status: 'accepted', messageId: shortened(messageId) };
  } catch (error) {
    return outcomeOf(error);
  }
}

/** https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms: barred, de-activated. */
const REFUSED = new Set(['7', '33']);
/** Throttled, credentials, internal error, account barred, no credit, too many binds, signature. */
const UNWELL = new Set(['1', '4', '5', '8', '9', '10', '11', '14', '32']);

/** Vonage answers 200 and says in the message what is wrong; HTTP errors carry a response. */
function outcomeOf(error: unknown): SendOutcome {
  const httpStatus = field(field(error, 'response'), 'status');
  if (typeof httpStatus === 'number') return answered(httpStatus);
  const status = firstOf(field(field(error, 'response'), 'messages'), 'status');
  if (status === undefined) return unanswered(error);
  const code = `vonage-${shortened(status)}`;
  if (REFUSED.has(status)) return { status: 'refused', code };
  return { status: UNWELL.has(status) ? 'failed' : 'declined', code };
}

function firstOf(messages: unknown, name: string): string | undefined {
  const value = Array.isArray(messages) ? field(messages[0], name) : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

type Parameters = ReadonlyMap<string, string>;

/**
 * The signature covers the parameters and not the URL, so the receipt has to name the attempt in
 * `client-ref` too: else one receipt would be good for every attempt.
 */
function read(options: VonageOptions, receipt: RawReceipt): Receipt | undefined {
  const parameters = parametersOf(receipt);
  const signature = parameters?.get('sig');
  if (parameters === undefined || signature === undefined) return undefined;
  const isSigned = equalsInConstantTime(signature.toLowerCase(), expected(options, parameters));
  if (!isSigned || parameters.get('client-ref') !== receipt.attemptId) return undefined;
  const code = parameters.get('err-code');
  return {
    messageId: shortened(parameters.get('messageId') ?? parameters.get('message-id') ?? ''),
    status: STATUSES[parameters.get('status') ?? ''],
    code: code === undefined || code === '0' ? undefined : `vonage-${shortened(code)}`,
  };
}

/**
 * As `verifySignature` of the SDK computes it (https://developer.vonage.com/en/getting-started/concepts/signing-messages),
 * which compares in a time that depends on the signature.
 */
function expected(options: VonageOptions, parameters: Parameters): string {
  const signed = [...parameters]
    .filter(([name]) => name !== 'sig')
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `&${name}=${value.replaceAll(/[&=]/g, '_')}`);
  const { signatureMethod, signatureSecret } = options;
  return createHmac(signatureMethod, signatureSecret).update(signed.join('')).digest('hex');
}

/** A form or a JSON object, as the account is set; undefined for what is neither. */
function parametersOf({ contentType, body }: RawReceipt): Parameters | undefined {
  const text = Buffer.from(body).toString('utf8');
  const isJson = /^application\/json\b/i.test(contentType);
  const entries = Object.entries(isJson ? objectIn(text) : parse(text));
  const isFlat = entries.every(([, value]) => ['string', 'number'].includes(typeof value));
  return isFlat ? new Map(entries.map(([name, value]) => [name, String(value)])) : undefined;
}

function objectIn(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts */
const STATUSES: Readonly<Record<string, Receipt['status']>> = {
  submitted: 'accepted',
  accepted: 'sent',
  buffered: 'sent',
  delivered: 'delivered',
  expired: 'undelivered',
  failed: 'undelivered',
  rejected: 'undelivered',
};
