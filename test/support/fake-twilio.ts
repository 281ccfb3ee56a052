import { createHmac, randomBytes } from 'node:crypto';
import { openFakeProvider } from './fake-provider.ts';
import type { FakeAnswer, FakeProvider, Posted } from './fake-provider.ts';

export const TWILIO = {
  accountSid: `AC${'0123456789abcdef'.repeat(2)}`,
  authToken: 'twilio-swordfish',
  from: '+15005550006',
};

/** Speaks as much of Twilio's API as a send needs. */
export function openFakeTwilio(): Promise<FakeProvider> {
  return openFakeProvider((posted) => {
    const { to } = twilioMessage(posted);
    const sid = `SM${randomBytes(16).toString('hex')}`;
    return { status: 201, body: JSON.stringify({ sid, status: 'queued', to }) };
  });
}

export function twilioSettings({ url }: FakeProvider): Record<string, string> {
  return {
    TWILIO_ACCOUNT_SID: TWILIO.accountSid,
    TWILIO_AUTH_TOKEN: TWILIO.authToken,
    TWILIO_FROM_NUMBER: TWILIO.from,
    TWILIO_API_URL: url,
  };
}

/** What a request asked for. */
export function twilioMessage({ body }: Posted): { to: string; text: string; callback: string } {
  const form = new URLSearchParams(body);
  const value = (name: string) => form.get(name) ?? '';
  return { to: value('To'), text: value('Body'), callback: value('StatusCallback') };
}

/** An error as Twilio writes it, with the number in its text. */
export function twilioError(status: number, code: number): FakeAnswer {
  const message = "The 'To' number +33612345678 is not a valid phone number.";
  return { status, body: JSON.stringify({ status, code, message, more_info: 'https://…' }) };
}

export interface SignedForm {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A receipt as Twilio posts and signs it. */
export function twilioReceipt(
  url: string,
  status: string,
  more: Record<string, string> = {},
): SignedForm {
  const form = {
    MessageSid: 'SMfromthereceipt',
    MessageStatus: status,
    To: '+33612345678',
    From: TWILIO.from,
    AccountSid: TWILIO.accountSid,
    ...more,
  };
  const signature = twilioSignature(url, form);
  return {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signature,
    },
    body: new URLSearchParams(form).toString(),
  };
}

/** https://www.twilio.com/docs/usage/webhooks/webhooks-security */
function twilioSignature(url: string, form: Readonly<Record<string, string>>): string {
  const names = Object.keys(form).sort();
  const text = names.map((name) => `${name}${form[name] ?? ''}`).join('');
  return createHmac('sha1', TWILIO.authToken).update(`${url}${text}`).digest('base64');
}
