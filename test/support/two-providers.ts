import { startApp } from './app.ts';
import type { TestApp } from './app.ts';
import type { FakeProvider } from './fake-provider.ts';
import { openFakeTwilio, twilioMessage, twilioSettings } from './fake-twilio.ts';
import { openFakeVonage, vonageMessage, vonageSettings } from './fake-vonage.ts';
import { newAddress, newNumber } from './person.ts';
import type { Settings } from './postgres.ts';

export const PUBLIC_URL = 'https://auth.example.org';

/** A service whose messages leave by two providers. */
export interface TwoProviders {
  readonly app: TestApp;
  readonly twilio: FakeProvider;
  readonly vonage: FakeProvider;
  /** Asks for a code from an address of its own; returns the number. */
  request(phone?: string): Promise<string>;
  /** The attempts so far, oldest first. */
  deliveries(): Promise<Delivery[]>;
  stop(): Promise<void>;
}

export type Delivery = {
  id: string;
  send_id: string;
  provider: string;
  status: string;
  error_code: string | null;
  provider_message_id: string | null;
  receipt_at: Date | null;
};

export async function startTwoProviders(settings: Settings = {}): Promise<TwoProviders> {
  const [twilio, vonage] = await Promise.all([openFakeTwilio(), openFakeVonage()]);
  const app = await startApp({
    SMS_PROVIDERS: 'twilio,vonage',
    PUBLIC_URL,
    ...twilioSettings(twilio),
    ...vonageSettings(vonage),
    ...settings,
  });
  return {
    app,
    twilio,
    vonage,
    request: async (phone = newNumber()) => {
      const { auth } = app.clientsAt(newAddress());
      await auth.requestLoginVerification({ phoneNumber: phone });
      return phone;
    },
    deliveries: () => app.sql<Delivery>('SELECT * FROM sms_deliveries ORDER BY created_at, id'),
    stop: async () => {
      await app.stop();
      await Promise.all([twilio.close(), vonage.close()]);
    },
  };
}

/** When each provider was asked for a number. */
export function askedFor({ twilio, vonage }: TwoProviders, phone: string) {
  return {
    twilio: twilio.posted.filter((posted) => twilioMessage(posted).to === phone),
    vonage: vonage.posted.filter((posted) => vonageMessage(posted).to === phone),
  };
}
