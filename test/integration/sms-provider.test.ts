import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { refusalOf } from '../support/client.ts';
import { DOWN } from '../support/fake-provider.ts';
import { TWILIO, twilioError, twilioMessage } from '../support/fake-twilio.ts';
import { VONAGE, vonageError, vonageMessage } from '../support/fake-vonage.ts';
import { newAddress, newNumber } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';
import { PUBLIC_URL, askedFor, startTwoProviders } from '../support/two-providers.ts';
import type { TwoProviders } from '../support/two-providers.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}';
let two: TwoProviders;

beforeAll(async () => {
  // Wide enough that no test of a refusal opens a breaker by the way.
  two = await startTwoProviders({ SMS_BREAKER_WINDOW: '50', SMS_BREAKER_MINIMUM: '50' });
});
afterAll(() => two.stop());
afterEach(() => {
  two.twilio.behave('well');
  two.vonage.behave('well');
});

describe('a message by Twilio', () => {
  test('is posted as its API wants it, with a receipt address of its own', async () => {
    const phone = await two.request();
    const [posted] = askedFor(two, phone).twilio;
    expect(posted).toMatchObject({
      method: 'POST',
      path: `/2010-04-01/Accounts/${TWILIO.accountSid}/Messages.json`,
    });
    const password = Buffer.from(`${TWILIO.accountSid}:${TWILIO.authToken}`).toString('base64');
    expect(posted?.headers).toMatchObject({
      authorization: `Basic ${password}`,
      'content-type': 'application/x-www-form-urlencoded',
    });
    const form = Object.fromEntries(new URLSearchParams(posted?.body));
    expect(form).toEqual({
      To: phone,
      From: TWILIO.from,
      Body: expect.stringMatching(/^\d{6} is your Whispr code\. /),
      ValidityPeriod: '300',
      StatusCallback: expect.stringMatching(
        new RegExp(`^${PUBLIC_URL}/auth/v1/webhooks/sms/twilio/${UUID}$`),
      ),
    });
  });

  test('leaves a row without the number, whose id is that of the receipt address', async () => {
    const phone = await two.request();
    const [posted] = askedFor(two, phone).twilio;
    const id = posted && twilioMessage(posted).callback.split('/').at(-1);
    const rows = await eventually(
      () => two.app.sql('SELECT * FROM sms_deliveries WHERE id = $1', [id]),
      ([row]) => row?.['status'] === 'accepted',
    );
    expect(rows).toEqual([
      expect.objectContaining({
        provider: 'twilio',
        provider_message_id: expect.stringMatching(/^SM[0-9a-f]{32}$/),
        error_code: null,
        receipt_at: null,
      }),
    ]);
    expect(JSON.stringify(rows)).not.toContain(phone.slice(4));
    const sends = await two.app.sql('SELECT id FROM phone_attempts WHERE id = $1', [
      rows[0]?.['send_id'],
    ]);
    expect(sends).toHaveLength(1);
  });
});

describe('a message by Vonage', () => {
  test('is posted as its API wants it, with a receipt address of its own', async () => {
    two.twilio.behave(DOWN);
    const phone = await two.request();
    const [posted] = askedFor(two, phone).vonage;
    expect(posted).toMatchObject({ method: 'POST', path: '/sms/json' });
    const password = Buffer.from(`${VONAGE.apiKey}:${VONAGE.apiSecret}`).toString('base64');
    expect(posted?.headers).toMatchObject({
      authorization: `Basic ${password}`,
      'content-type': 'application/json',
    });
    const message: unknown = JSON.parse(posted?.body ?? '');
    const reference = posted && vonageMessage(posted).reference;
    expect(reference).toMatch(new RegExp(`^${UUID}$`));
    expect(message).toEqual({
      from: VONAGE.from,
      to: phone.slice(1),
      text: expect.stringMatching(/^\d{6} is your Whispr code\. /),
      ttl: 300_000,
      'client-ref': reference,
      callback: `${PUBLIC_URL}/auth/v1/webhooks/sms/vonage/${reference}`,
    });
  });

  test('carries the code that confirms the verification', async () => {
    two.twilio.behave(DOWN);
    const phone = newNumber();
    const { auth } = two.app.clientsAt(newAddress());
    const { verificationId } = await auth.requestLoginVerification({ phoneNumber: phone });
    const [posted] = askedFor(two, phone).vonage;
    const code = /\d{6}/.exec(posted ? vonageMessage(posted).text : '')?.[0] ?? '';
    expect((await auth.confirmLoginVerification({ verificationId, code })).verified).toBe(true);
  });
});

describe('a number that the provider cannot reach', () => {
  test.each([
    ['no number', 21_211],
    ['no mobile number', 21_614],
    ['opted out', 21_610],
    ['in a country that the operator switched off', 21_408],
  ])('(%s) is refused without asking another provider', async (_why, code) => {
    two.twilio.behave(twilioError(400, code));
    const phone = newNumber();
    const { auth } = two.app.clientsAt(newAddress());
    const refusal = await refusalOf(auth.requestLoginVerification({ phoneNumber: phone }));
    expect(refusal).toMatchObject({ reason: 'NUMBER_REFUSED', code: 3, fields: ['phoneNumber'] });
    expect(askedFor(two, phone)).toMatchObject({ twilio: [{}], vonage: [] });
  });

  test('is refused in the same words by the second provider', async () => {
    two.twilio.behave(DOWN);
    two.vonage.behave(vonageError('33'));
    const { auth } = two.app.clientsAt(newAddress());
    const refusal = await refusalOf(auth.requestLoginVerification({ phoneNumber: newNumber() }));
    expect(refusal).toMatchObject({ reason: 'NUMBER_REFUSED', code: 3 });
  });

  test('opens no breaker, however many there are', async () => {
    const own = await startTwoProviders({ SMS_BREAKER_OPEN_MS: '60000' });
    try {
      own.twilio.behave(twilioError(400, 21_211));
      for (let count = 0; count < 12; count += 1) await refusalOf(own.request());
      own.twilio.behave('well');
      const phone = await own.request();
      expect(askedFor(own, phone)).toMatchObject({ twilio: [{}], vonage: [] });
    } finally {
      await own.stop();
    }
  });
});

test.each([
  ['a route that Twilio does not have', twilioError(400, 21_612)],
  ['a redirect, which is not followed', { status: 307, body: '' }],
  ['a text that is no answer', { status: 201, contentType: 'text/html', body: 'ok' }],
])('%s sends the message by the other provider', async (_what, answer) => {
  two.twilio.behave(answer);
  const phone = await two.request();
  expect(askedFor(two, phone)).toMatchObject({ twilio: [{}], vonage: [{}] });
});

test.each(['4', '9', '6', '23'])(
  'an error %s of Vonage leaves nobody to ask, and says so',
  async (status) => {
    two.twilio.behave(DOWN);
    two.vonage.behave(vonageError(status));
    expect((await refusalOf(two.request())).reason).toBe('SMS_UNAVAILABLE');
  },
);

test('weights share the first place', async () => {
  const own = await startTwoProviders({ SMS_PROVIDERS: 'twilio:3,vonage:1' });
  try {
    for (let count = 0; count < 8; count += 1) await own.request();
    expect([own.twilio.posted.length, own.vonage.posted.length]).toEqual([6, 2]);
  } finally {
    await own.stop();
  }
});

test('a messaging service stands in for the sender', async () => {
  const service = `MG${'0'.repeat(32)}`;
  const own = await startTwoProviders({ TWILIO_MESSAGING_SERVICE_SID: service });
  try {
    const phone = await own.request();
    const form = new URLSearchParams(askedFor(own, phone).twilio[0]?.body);
    expect([form.get('MessagingServiceSid'), form.get('From')]).toEqual([service, null]);
  } finally {
    await own.stop();
  }
});

test('rows that cannot be written hold up no message', async () => {
  const own = await startTwoProviders();
  try {
    await own.app.sql('ALTER TABLE sms_deliveries RENAME TO away');
    const phone = await own.request();
    expect(askedFor(own, phone).twilio).toHaveLength(1);
    const metrics = await eventually(
      async () => (await fetch(`http://127.0.0.1:${own.app.ports.metrics ?? 0}/metrics`)).text(),
      (text) => text.includes('auth_sms_unrecorded_total 1'),
    );
    expect(metrics).toContain('auth_sms_attempts_total{provider="twilio",outcome="accepted"} 1');
    expect(metrics).toContain('auth_sms_attempt_seconds_count{provider="twilio"} 1');
  } finally {
    await own.stop();
  }
});

test('no log line holds a number, a code or a password, whatever a provider answers', async () => {
  for (const behaviour of [twilioError(400, 21_612), twilioError(503, 20_500), DOWN]) {
    two.twilio.behave(behaviour);
    two.vonage.behave(vonageError('5'));
    await refusalOf(two.request('+33612345678'));
  }
  const lines = two.app.logs.join('');
  expect(lines).toContain('"event":"sms.attempt"');
  expect(lines).not.toMatch(/33612345678|swordfish|Basic |\d{6} is your/);
});
