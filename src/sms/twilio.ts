import { parse } from 'node:querystring';
import type { RequestClient, Twilio } from 'twilio';
import { answered, field, shortened, unanswered } from './provider.ts';
import type { Attempt, Provider, Receipt, SendOutcome } from './provider.ts';

interface TwilioOptions {
  readonly accountSid: string;
  readonly authToken: string;
  readonly sender: { readonly from: string } | { readonly messagingServiceSid: string };
  readonly apiUrl: string;
  readonly timeoutMs: number;
  /** Twilio drops a message that it could not deliver for this long. */
  readonly validitySeconds: number;
  /** Where the receipts of an attempt go. */
  readonly receiptUrl: (attemptId: string) => string;
}

/** Loads Twilio's SDK, which is why it is opened only where it is configured. */
export async function createTwilio(options: TwilioOptions): Promise<Provider> {
  const { default: sdk } = await import('twilio');
  const { accountSid, authToken, timeoutMs } = options;
  const httpClient = new sdk.RequestClient({
    timeout: timeoutMs,
    autoRetry: false,
    maxSockets: Infinity,
    maxTotalSockets: Infinity,
  });
  sendTo(httpClient, options);
  const client = sdk(accountSid, authToken, { httpClient });
  return {
    name: 'twilio',
    send: (attempt) => post(client, options, attempt),
    readReceipt: (receipt) => {
      const form = parse(Buffer.from(receipt.body).toString('utf8'));
      const signature = receipt.header('x-twilio-signature') ?? '';
      const isSigned = sdk.validateRequest(authToken, signature, receipt.url, form);
      return isSigned ? receiptOf(form) : undefined;
    },
  };
}

/**
 * The SDK's own time-out starts only when a socket is free and begins anew with every byte; this one
 * is of the whole request. The SDK can name regions, but no other host.
 */
function sendTo({ axios }: RequestClient, { apiUrl, timeoutMs }: TwilioOptions): void {
  axios.interceptors.request.use((request) => {
    request.signal = AbortSignal.timeout(timeoutMs);
    const { pathname, search } = new URL(request.url ?? '', apiUrl);
    request.url = `${apiUrl}${pathname}${search}`;
    return request;
  });
}

async function post(
  client: Twilio,
  { sender, validitySeconds, receiptUrl }: TwilioOptions,
  attempt: Attempt,
): Promise<SendOutcome> {
  try {
    const message = await client.messages.create({
      to: attempt.to,
      body: attempt.body,
      ...sender,
      validityPeriod: validitySeconds,
      statusCallback: receiptUrl(attempt.id),
    });
    return { status: 'accepted', messageId: shortened(message.sid) };
  } catch (error) {
    return outcomeOf(error);
  }
}

/**
 * https://www.twilio.com/docs/api/errors: not a number, not a mobile number, opted out; and 21408, a
 * country that the operator switched off.
 */
const REFUSED = new Set([21211, 21217, 21265, 21408, 21610, 21614, 21635]);

/** An error of the SDK holds the number in its message: only its codes are kept. */
function outcomeOf(error: unknown): SendOutcome {
  const status = field(error, 'status');
  if (typeof status !== 'number') return unanswered(error);
  const code = field(error, 'code');
  if (typeof code !== 'number' || status >= 500) return answered(status);
  if (REFUSED.has(code)) return { status: 'refused', code: `twilio-${code}` };
  return answered(status, `twilio-${code}`);
}

/** https://www.twilio.com/docs/messaging/api/message-resource#message-status-values */
const STATUSES: Readonly<Record<string, Receipt['status']>> = {
  accepted: 'accepted',
  scheduled: 'accepted',
  queued: 'accepted',
  sending: 'accepted',
  sent: 'sent',
  delivered: 'delivered',
  read: 'delivered',
  undelivered: 'undelivered',
  failed: 'undelivered',
  canceled: 'undelivered',
};

function receiptOf(form: ReturnType<typeof parse>): Receipt {
  const { MessageSid: sid, MessageStatus: status, ErrorCode: code } = form;
  return {
    messageId: typeof sid === 'string' ? shortened(sid) : '',
    status: typeof status === 'string' ? STATUSES[status] : undefined,
    code: typeof code === 'string' && code !== '' ? `twilio-${shortened(code)}` : undefined,
  };
}
