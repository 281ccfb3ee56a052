import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AlgorithmTypes, Auth } from '@vonage/auth';
import { SMS } from '@vonage/sms';
import { countReasons, refusalOf, together } from '../support/client.ts';
import { DOWN } from '../support/fake-provider.ts';
import { twilioMessage, twilioReceipt } from '../support/fake-twilio.ts';
import type { SignedForm } from '../support/fake-twilio.ts';
import { VONAGE, vonageMessage, vonageReceipt, vonageSignature } from '../support/fake-vonage.ts';
import { eventually } from '../support/private-stores.ts';
import { PUBLIC_URL, askedFor, startTwoProviders } from '../support/two-providers.ts';
import type { Delivery, TwoProviders } from '../support/two-providers.ts';

let two: TwoProviders;

beforeAll(async () => {
  two = await startTwoProviders({ SMS_BREAKER_WINDOW: '50', SMS_BREAKER_MINIMUM: '50' });
});
afterAll(() => two.stop());

function urlOf(provider: string, id: string): string {
  return `${PUBLIC_URL}${pathOf(provider, id)}`;
}

function pathOf(provider: string, id: string): string {
  return `/auth/v1/webhooks/sms/${provider}/${id}`;
}

/** As the edge passes it on. */
function post(
  provider: string,
  id: string,
  { headers, body, path = pathOf(provider, id) }: SignedForm & { path?: string },
) {
  const { 'content-type': contentType = '', ...others } = headers;
  return two.app.clients.auth.receiveDeliveryReceipt(
    { provider, sendId: id, body: { contentType, data: Buffer.from(body) } },
    { headers: { ...others, 'x-envoy-original-path': path } },
  );
}

async function rowOf(id: string): Promise<Delivery | undefined> {
  return (await two.deliveries()).find((row) => row.id === id);
}

/** The id of an attempt that the provider has taken. */
async function sendBy(provider: 'twilio' | 'vonage'): Promise<string> {
  two.twilio.behave(provider === 'twilio' ? 'well' : DOWN);
  const asked = askedFor(two, await two.request());
  const [posted] = asked[provider];
  if (posted === undefined) throw new Error(`${provider} was not asked`);
  const id =
    provider === 'twilio'
      ? (twilioMessage(posted).callback.split('/').at(-1) ?? '')
      : vonageMessage(posted).reference;
  await eventually(
    () => rowOf(id),
    (row) => row?.status === 'accepted',
  );
  return id;
}

async function postAll(id: string, statuses: readonly string[]): Promise<string[]> {
  const seen: string[] = [];
  for (const status of statuses) {
    await post('twilio', id, twilioReceipt(urlOf('twilio', id), status));
    seen.push((await rowOf(id))?.status ?? '');
  }
  return seen;
}

describe('a receipt of Twilio', () => {
  test('is recorded when its signature is right', async () => {
    const id = await sendBy('twilio');
    expect(await postAll(id, ['queued', 'sent', 'delivered'])).toEqual([
      'accepted',
      'sent',
      'delivered',
    ]);
    expect((await rowOf(id))?.receipt_at).toBeInstanceOf(Date);
    expect((await rowOf(id))?.provider_message_id).toMatch(/^SM[0-9a-f]{32}$/);
  });

  test('keeps the reason of what was not delivered', async () => {
    const id = await sendBy('twilio');
    const failed = twilioReceipt(urlOf('twilio', id), 'undelivered', { ErrorCode: '30003' });
    await post('twilio', id, failed);
    expect(await rowOf(id)).toMatchObject({ status: 'undelivered', error_code: 'twilio-30003' });
  });

  test('never moves an attempt back: late ones and repetitions change nothing', async () => {
    const id = await sendBy('twilio');
    const seen = await postAll(id, ['delivered', 'sent', 'queued', 'undelivered', 'delivered']);
    expect(new Set(seen)).toEqual(new Set(['delivered']));
    const once = await rowOf(id);
    await postAll(id, ['delivered', 'read', 'failed']);
    expect(await rowOf(id)).toEqual(once);
  });

  test('of 64 at once leaves one final state', async () => {
    const id = await sendBy('twilio');
    const words = ['sent', 'delivered', 'undelivered', 'queued'];
    const outcomes = await together(64, (index) => {
      const signed = twilioReceipt(urlOf('twilio', id), words[index % words.length] ?? '');
      return post('twilio', id, signed);
    });
    expect(countReasons(outcomes)).toEqual({ OK: 64 });
    const row = await rowOf(id);
    expect(row?.status).toMatch(/^(un)?delivered$/);
    await postAll(id, ['delivered', 'undelivered']);
    expect((await rowOf(id))?.status).toBe(row?.status);
  });

  test('settles what was unknown, since the provider knows better', async () => {
    const id = await sendBy('twilio');
    await two.app.sql(`UPDATE sms_deliveries SET status = 'unknown' WHERE id = $1`, [id]);
    expect(await postAll(id, ['delivered'])).toEqual(['delivered']);
  });

  test('with a word that nobody knows, or of an unknown attempt, is taken and changes nothing', async () => {
    const id = await sendBy('twilio');
    expect(await postAll(id, ['teleported', 'constructor'])).toEqual(['accepted', 'accepted']);
    const before = await two.deliveries();
    const unknown = randomUUID();
    await post('twilio', unknown, twilioReceipt(urlOf('twilio', unknown), 'delivered'));
    expect(await two.deliveries()).toEqual(before);
  });
});

describe('a receipt of Vonage', () => {
  test.each([false, true])('is recorded when its signature is right (JSON: %s)', async (asJson) => {
    const id = await sendBy('vonage');
    await post('vonage', id, vonageReceipt(id, 'buffered', { asJson }));
    expect((await rowOf(id))?.status).toBe('sent');
    await post('vonage', id, vonageReceipt(id, 'delivered', { asJson }));
    await post('vonage', id, vonageReceipt(id, 'failed', { asJson, more: { 'err-code': '6' } }));
    expect(await rowOf(id)).toMatchObject({ status: 'delivered', error_code: null });
  });

  test('keeps the reason of what was not delivered', async () => {
    const id = await sendBy('vonage');
    await post('vonage', id, vonageReceipt(id, 'rejected', { more: { 'err-code': '7' } }));
    expect(await rowOf(id)).toMatchObject({ status: 'undelivered', error_code: 'vonage-7' });
  });

  test('is signed as the SDK verifies it', () => {
    const sdk = new SMS(new Auth({ privateKey: '' }));
    const parameters = { b: 'x&y=z', a: 'é', 'client-ref': 'r' };
    const signature = vonageSignature(parameters);
    const secret = VONAGE.signatureSecret;
    expect(sdk.verifySignature(signature, parameters, secret, AlgorithmTypes.sha256hmac)).toBe(
      true,
    );
  });
});

describe('a receipt is refused', () => {
  async function expectRefused(call: Promise<unknown>): Promise<void> {
    const refusal = await refusalOf(call);
    expect(refusal).toMatchObject({ reason: 'WEBHOOK_SIGNATURE_INVALID', code: 7 });
  }

  test('without a signature, or with another one, and nothing changes', async () => {
    const id = await sendBy('twilio');
    const signed = twilioReceipt(urlOf('twilio', id), 'delivered');
    const { 'x-twilio-signature': _right, ...unsigned } = signed.headers;
    await expectRefused(post('twilio', id, { ...signed, headers: unsigned }));
    for (const wrong of ['', 'x', Buffer.alloc(20).toString('base64')]) {
      const headers = { ...unsigned, 'x-twilio-signature': wrong };
      await expectRefused(post('twilio', id, { ...signed, headers }));
    }
    expect((await rowOf(id))?.status).toBe('accepted');
  });

  test('with a body that was changed, lengthened or left out', async () => {
    const id = await sendBy('twilio');
    const signed = twilioReceipt(urlOf('twilio', id), 'undelivered');
    const { body } = signed;
    await expectRefused(post('twilio', id, { ...signed, body: body.replace('undel', 'del') }));
    await expectRefused(post('twilio', id, { ...signed, body: `${body}&ErrorCode=1` }));
    await expectRefused(post('twilio', id, { ...signed, body: `${body}&MessageStatus=delivered` }));
    await expectRefused(post('twilio', id, { ...signed, body: '' }));
    const nothing = { provider: 'twilio', sendId: id };
    await expectRefused(two.app.clients.auth.receiveDeliveryReceipt(nothing));
    expect((await rowOf(id))?.status).toBe('accepted');
  });

  test('that was signed for another attempt, whatever path it claims', async () => {
    const [victim, own] = [await sendBy('twilio'), await sendBy('twilio')];
    const signed = twilioReceipt(urlOf('twilio', own), 'undelivered');
    await expectRefused(post('twilio', victim, signed));
    await expectRefused(post('twilio', victim, { ...signed, path: pathOf('twilio', own) }));
    const path = `${pathOf('twilio', victim)}/../${own}`;
    await expectRefused(post('twilio', victim, { ...signed, path }));
    expect((await rowOf(victim))?.status).toBe('accepted');
  });

  test('of Vonage that names another attempt inside, or is not flat, or not signed', async () => {
    const [victim, own] = [await sendBy('vonage'), await sendBy('vonage')];
    await expectRefused(post('vonage', victim, vonageReceipt(own, 'failed')));
    const json = { 'content-type': 'application/json' };
    for (const body of ['', 'null', '[]', '{"sig":{"a":1}}', '{', '{"sig":"x","a":null}']) {
      await expectRefused(post('vonage', victim, { headers: json, body }));
    }
    const signed = vonageReceipt(victim, 'delivered');
    await expectRefused(post('vonage', victim, { ...signed, body: `${signed.body}&sig=x` }));
    const changed = signed.body.replace('status=delivered', 'status=rejected');
    await expectRefused(post('vonage', victim, { ...signed, body: changed }));
    expect((await rowOf(victim))?.status).toBe('accepted');
  });

  test('by the other provider’s signature, and moves no attempt of the other provider', async () => {
    const id = await sendBy('twilio');
    await expectRefused(post('vonage', id, twilioReceipt(urlOf('vonage', id), 'delivered')));
    await post('vonage', id, vonageReceipt(id, 'delivered'));
    expect((await rowOf(id))?.status).toBe('accepted');
  });

  test('where its provider is not configured', async () => {
    const replica = await two.app.replica({ SMS_PROVIDERS: 'twilio' });
    try {
      const id = randomUUID();
      const { headers, body } = vonageReceipt(id, 'delivered');
      const receipt = { contentType: headers['content-type'] ?? '', data: Buffer.from(body) };
      const request = { provider: 'vonage', sendId: id, body: receipt };
      await expectRefused(replica.clients.auth.receiveDeliveryReceipt(request));
    } finally {
      await replica.stop();
    }
  });

  test.each([
    ['inbox', randomUUID()],
    ['twilio', 'no-uuid'],
  ])('as malformed for provider %s and attempt %s', async (provider, sendId) => {
    const refusal = await refusalOf(
      two.app.clients.auth.receiveDeliveryReceipt({ provider, sendId }),
    );
    expect(refusal).toMatchObject({ reason: 'VALIDATION_FAILED', code: 3 });
  });
});

test('no number of a receipt is logged or stored', async () => {
  const id = await sendBy('twilio');
  await post('twilio', id, twilioReceipt(urlOf('twilio', id), 'delivered'));
  const kept = JSON.stringify(await two.deliveries()) + two.app.logs.join('');
  expect(kept).not.toContain('33612345678');
});
