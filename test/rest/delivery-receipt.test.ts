import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { twilioMessage, twilioReceipt } from '../support/fake-twilio.ts';
import type { SignedForm } from '../support/fake-twilio.ts';
import { vonageMessage, vonageReceipt } from '../support/fake-vonage.ts';
import { DOWN } from '../support/fake-provider.ts';
import { eventually } from '../support/private-stores.ts';
import { PUBLIC_URL, askedFor, startTwoProviders } from '../support/two-providers.ts';
import type { TwoProviders } from '../support/two-providers.ts';
import { reasonOf } from './deployed-app.ts';
import { expectGolden } from './golden.ts';
import { putBehindEdge } from './rest.ts';
import type { Rest } from './rest.ts';

let two: TwoProviders;
let rest: Rest;

beforeAll(async () => {
  two = await startTwoProviders();
  rest = await putBehindEdge(two.app);
});

afterAll(async () => {
  await rest.edge.stop();
  await two.stop();
});

/** Posts where the provider was told to, as it came out of the send. */
function post(callback: string, { headers, body }: SignedForm, more: Record<string, string> = {}) {
  const path = callback.replace(PUBLIC_URL, '');
  return rest.send({ method: 'POST', path, headers: { ...headers, ...more }, text: body });
}

async function statusOf(callback: string): Promise<string | undefined> {
  const rows = await two.deliveries();
  return rows.find(({ id }) => callback.endsWith(id))?.status;
}

async function sendByTwilio(): Promise<string> {
  const [posted] = askedFor(two, await two.request()).twilio;
  const callback = posted ? twilioMessage(posted).callback : '';
  await eventually(
    () => statusOf(callback),
    (status) => status === 'accepted',
  );
  return callback;
}

describe('a delivery receipt over REST', () => {
  it('of Twilio arrives intact at the address that the send named', async () => {
    const callback = await sendByTwilio();
    const more = { Body: 'a+b & c=d é', ErrorMessage: '' };
    const answer = await post(callback, twilioReceipt(callback, 'delivered', more));
    expectGolden('delivery-receipt', answer);
    expect(await statusOf(callback)).toBe('delivered');
  });

  it('of Twilio may carry a query, which the signature covers', async () => {
    const callback = `${await sendByTwilio()}?region=ie1&x=%27a`;
    const plain = callback.split('?')[0] ?? '';
    expect((await post(callback, twilioReceipt(plain, 'sent'))).status).toBe(403);
    expect((await post(callback, twilioReceipt(callback, 'sent'))).status).toBe(200);
    expect(await statusOf(plain)).toBe('sent');
  });

  it('of Twilio is refused when its path is claimed in a header', async () => {
    const [victim, own] = [await sendByTwilio(), await sendByTwilio()];
    const claimed = { 'x-envoy-original-path': own.replace(PUBLIC_URL, '') };
    const answer = await post(victim, twilioReceipt(own, 'delivered'), claimed);
    expectGolden('error/WEBHOOK_SIGNATURE_INVALID', answer);
    expect(reasonOf(answer)).toBe('WEBHOOK_SIGNATURE_INVALID');
    expect(await statusOf(victim)).toBe('accepted');
  });

  it.each([false, true])('of Vonage arrives intact (JSON: %s)', async (asJson) => {
    two.twilio.behave(DOWN);
    const [posted] = askedFor(two, await two.request()).vonage;
    two.twilio.behave('well');
    const { callback, reference } = vonageMessage(
      posted ?? { atMs: 0, method: '', path: '', headers: {}, body: '{}' },
    );
    const answer = await post(callback, vonageReceipt(reference, 'delivered', { asJson }));
    expect(answer.status).toBe(200);
    expect(await statusOf(callback)).toBe('delivered');
  });
});
