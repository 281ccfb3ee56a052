import { createHmac, randomBytes } from 'node:crypto';
import { openFakeProvider } from './fake-provider.ts';
import type { FakeAnswer, FakeProvider, Posted } from './fake-provider.ts';
import type { SignedForm } from './fake-twilio.ts';

export const VONAGE = {
  apiKey: 'abcd1234',
  apiSecret: 'vonage-swordfish',
  signatureSecret: 'vonage-signature-swordfish',
  from: 'Whispr',
};

/** Speaks as much of Vonage's SMS API as a send needs. */
export function openFakeVonage(): Promise<FakeProvider> {
  return openFakeProvider((posted) => {
    const { to } = vonageMessage(posted);
    return vonageAnswer({ to, 'message-id': randomBytes(8).toString('hex'), status: '0' });
  });
}

export function vonageSettings({ url }: FakeProvider): Record<string, string> {
  return {
    VONAGE_API_KEY: VONAGE.apiKey,
    VONAGE_API_SECRET: VONAGE.apiSecret,
    VONAGE_SIGNATURE_SECRET: VONAGE.signatureSecret,
    VONAGE_FROM: VONAGE.from,
    VONAGE_API_URL: url,
  };
}

/** What a request asked for. */
export function vonageMessage({ body }: Posted): {
  to: string;
  text: string;
  callback: string;
  reference: string;
} {
  const message: unknown = JSON.parse(body);
  const value = (name: string) => String(Reflect.get(Object(message), name));
  const to = `+${value('to')}`;
  return { to, text: value('text'), callback: value('callback'), reference: value('client-ref') };
}

/** Vonage says 200 and tells in the message what is wrong. */
export function vonageError(status: string): FakeAnswer {
  return vonageAnswer({ status, 'error-text': 'Invalid number: 33612345678' });
}

function vonageAnswer(message: Record<string, string>): FakeAnswer {
  return { status: 200, body: JSON.stringify({ 'message-count': '1', messages: [message] }) };
}

/** A receipt as Vonage posts and signs it. */
export function vonageReceipt(
  reference: string,
  status: string,
  options: { asJson?: boolean; more?: Record<string, string> } = {},
): SignedForm {
  const parameters: Record<string, string> = {
    msisdn: '33612345678',
    to: VONAGE.from,
    messageId: '0A0000001234567B',
    'client-ref': reference,
    status,
    'err-code': '0',
    'message-timestamp': '2026-11-23 22:00:00',
    timestamp: '1795471200',
    nonce: randomBytes(8).toString('hex'),
    ...options.more,
  };
  const signed = { ...parameters, sig: vonageSignature(parameters) };
  return options.asJson === true
    ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(signed) }
    : {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(signed).toString(),
      };
}

/** https://developer.vonage.com/en/getting-started/concepts/signing-messages */
export function vonageSignature(parameters: Readonly<Record<string, string>>): string {
  const names = Object.keys(parameters).sort();
  const text = names.map((name) => `&${name}=${(parameters[name] ?? '').replace(/[&=]/g, '_')}`);
  return createHmac('sha256', VONAGE.signatureSecret).update(text.join('')).digest('hex');
}
