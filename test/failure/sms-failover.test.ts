import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { countReasons, refusalOf, together } from '../support/client.ts';
import { DOWN } from '../support/fake-provider.ts';
import { twilioError, twilioMessage } from '../support/fake-twilio.ts';
import { vonageError, vonageMessage } from '../support/fake-vonage.ts';
import { newAddress, newNumber } from '../support/person.ts';
import { eventually } from '../support/private-stores.ts';
import { askedFor, startTwoProviders } from '../support/two-providers.ts';
import type { TwoProviders } from '../support/two-providers.ts';

const CALLERS = 64;
const OPEN_MS = 1_000;
let two: TwoProviders;

beforeAll(async () => {
  two = await startTwoProviders({ SMS_BREAKER_OPEN_MS: String(OPEN_MS) });
});
afterAll(() => two.stop());
afterEach(async () => {
  two.twilio.behave('well');
  two.vonage.behave('well');
  await eventually(
    () => two.request(),
    (phone) => askedFor(two, phone).twilio.length === 1,
  );
});

function numbers(): string[] {
  return Array.from({ length: CALLERS }, () => newNumber());
}

/** From the request that the first provider got to the one that the second got. */
function movesMs(phones: readonly string[]): number[] {
  return phones.flatMap((phone) => {
    const { twilio, vonage } = askedFor(two, phone);
    const [first] = twilio;
    const [second] = vonage;
    return first && second ? [second.atMs - first.atMs] : [];
  });
}

describe.each([
  ['does not answer', 'hanging'],
  ['answers 503', DOWN],
  ['has no credit for us', twilioError(429, 20_429)],
] as const)('while the first provider %s', (_how, behaviour) => {
  test('64 sends at once move to the second within 2 s each, every attempt posted once', async () => {
    const phones = numbers();
    two.twilio.behave(behaviour);
    const outcomes = await together(CALLERS, (index) => two.request(phones[index]));

    expect(countReasons(outcomes)).toEqual({ OK: CALLERS });
    expect(Math.max(...movesMs(phones))).toBeLessThan(2_000);
    for (const phone of phones) {
      const { twilio, vonage } = askedFor(two, phone);
      expect(vonage).toHaveLength(1);
      expect(twilio.length).toBeLessThanOrEqual(1);
    }
    const ids = [
      ...two.twilio.posted.map((posted) => twilioMessage(posted).callback.split('/').at(-1)),
      ...two.vonage.posted.map((posted) => vonageMessage(posted).reference),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('the second is asked at once, and the first again when it is well', async () => {
    two.twilio.behave(behaviour);
    await together(8, () => two.request());
    const before = two.twilio.posted.length;
    const startedMs = performance.now();
    await together(8, () => two.request());
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(two.twilio.posted.length).toBe(before);

    two.twilio.behave('well');
    await eventually(
      () => two.request(),
      (phone) => askedFor(two, phone).twilio.length === 1,
    );
    const phones = numbers();
    await together(CALLERS, (index) => two.request(phones[index]));
    expect(phones.filter((phone) => askedFor(two, phone).vonage.length > 0)).toEqual([]);
  });
});

test('a first provider that refuses connections is left within 2 s', async () => {
  await two.twilio.hangUp();
  const phones = numbers();
  const outcomes = await together(CALLERS, (index) => two.request(phones[index]));
  await two.twilio.pickUp();

  expect(countReasons(outcomes)).toEqual({ OK: CALLERS });
  expect(phones.every((phone) => askedFor(two, phone).vonage.length === 1)).toBe(true);
});

test('while one attempt probes a provider that hangs, all others go to the second at once', async () => {
  two.twilio.behave('hanging');
  await together(8, () => two.request());
  const before = two.twilio.posted.length;
  await new Promise((resolve) => setTimeout(resolve, OPEN_MS + 50));
  const slow: number[] = [];
  const outcomes = await together(16, async () => {
    const startedMs = performance.now();
    await two.request();
    if (performance.now() - startedMs > 1_200) slow.push(performance.now() - startedMs);
  });

  expect(countReasons(outcomes)).toEqual({ OK: 16 });
  expect(slow.length).toBeLessThanOrEqual(1);
  expect(two.twilio.posted.length).toBe(before + 1);
});

test('an answer that comes after its time makes no second message of the same attempt', async () => {
  two.twilio.behave({ lateMs: 1_800 });
  const phone = await two.request();
  const { twilio, vonage } = askedFor(two, phone);
  expect([twilio.length, vonage.length]).toEqual([1, 1]);

  const rows = await eventually(
    () => two.deliveries(),
    (found) => found.slice(-2).every(({ status }) => status !== 'sending'),
  );
  const [first, second] = rows.slice(-2);
  expect(first).toMatchObject({ provider: 'twilio', status: 'unknown', error_code: 'timeout' });
  expect(second).toMatchObject({ provider: 'vonage', status: 'accepted', error_code: null });
  expect(first?.id).not.toBe(second?.id);
  expect(first?.send_id).toBe(second?.send_id);
});

describe('with both providers down', () => {
  test('a send says so, counts for nothing, and works when one is back', async () => {
    two.twilio.behave(DOWN);
    two.vonage.behave(vonageError('5'));
    const phone = newNumber();
    const { auth } = two.app.clientsAt(newAddress());
    const refusals = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      refusals.push(await refusalOf(auth.requestLoginVerification({ phoneNumber: phone })));
    }
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ reason: 'SMS_UNAVAILABLE', code: 14, retryDelayMs: 5_000 });
    }
    const rows = await two.app.sql('SELECT 1 FROM phone_attempts WHERE verified_at IS NULL');
    const before = rows.length;
    two.vonage.behave('well');
    await eventually(() => auth.requestLoginVerification({ phoneNumber: phone }));
    expect(await two.app.sql('SELECT 1 FROM phone_attempts')).toHaveLength(before + 1);
  });

  test('a send that may have been taken counts: asking again would send as many', async () => {
    two.twilio.behave('hanging');
    two.vonage.behave('hanging');
    const phone = newNumber();
    const { auth } = two.app.clientsAt(newAddress());
    const startedMs = performance.now();
    const first = await refusalOf(auth.requestLoginVerification({ phoneNumber: phone }));
    expect(performance.now() - startedMs).toBeLessThan(4_500);
    expect(first.reason).toBe('SMS_UNAVAILABLE');
    const second = await refusalOf(auth.requestLoginVerification({ phoneNumber: phone }));
    expect(second.reason).toBe('RATE_LIMITED');
  });
});
