import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { refusalOf } from '../support/client.ts';
import type { Clients } from '../support/client.ts';
import { newAddress, newNumber, registerPerson } from '../support/person.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

interface Fields {
  readonly policy: string | null;
  readonly limit: string | null;
}

describe('the rate limit fields of an answer', () => {
  test('tell what the address has left after a code was sent', async () => {
    const clients = app.clientsAt(newAddress());
    const first = await fieldsOf(clients, newNumber());
    const second = await fieldsOf(clients, newNumber());

    expect(first.policy).toBe(
      '"ceiling_per_address";q=300;w=3600, "sends_per_address";q=20;w=3600, "numbers_per_address";q=10;w=3600',
    );
    expect(second.policy).toBe(first.policy);
    expect(remaining(first)).toEqual([299, 19, 9]);
    expect(remaining(second)).toEqual([298, 18, 8]);
    expect(first.limit).toMatch(/^"ceiling_per_address";r=299;t=3(600|59\d), /);
  });

  test('are the same for a number with an account and for one without', async () => {
    const known = (await registerPerson(app)).phone;
    const fields = [];
    for (const phone of [known, newNumber()]) {
      const { policy, limit } = await fieldsOf(app.clientsAt(newAddress()), phone, 'login');
      fields.push({ policy, limit: limit?.replace(/t=\d+/g, 't') });
    }
    expect(fields[0]).toEqual(fields[1]);
  });

  test('tell nothing of what others asked of the number', async () => {
    const phone = newNumber();
    for (let asked = 0; asked < 4; asked += 1) await fieldsOf(app.clientsAt(newAddress()), phone);
    const [crowded, quiet] = [
      await fieldsOf(app.clientsAt(newAddress()), phone),
      await fieldsOf(app.clientsAt(newAddress()), newNumber()),
    ];
    expect(crowded).toEqual(quiet);
  });

  test('tell what is left after a code was entered, which cost nothing', async () => {
    const clients = app.clientsAt(newAddress());
    const phone = newNumber();
    const { verificationId } = await clients.auth.requestRegisterVerification({
      phoneNumber: phone,
    });
    const header = new Headers();
    await clients.auth.confirmRegisterVerification(
      { verificationId, code: app.inbox.codeFor(phone) },
      { onHeader: (sent) => copy(sent, header) },
    );
    expect(header.get('ratelimit-policy')).toBe('"checks_per_address";q=30;w=3600');
    expect(header.get('ratelimit')).toMatch(/^"checks_per_address";r=30;t=\d+$/);
  });

  test('name the limit that refused, all used up until Retry-After', async () => {
    const clients = app.clientsAt(newAddress());
    for (let sent = 0; sent < 10; sent += 1) await fieldsOf(clients, newNumber());
    const { error, metadata } = await refusalOf(ask(clients, newNumber()));

    expect(metadata).toEqual({ limit: 'numbers_per_address' });
    expect(error.metadata.get('ratelimit-policy')).toBe('"numbers_per_address";q=10;w=3600');
    const retryAfter = error.metadata.get('retry-after');
    expect(error.metadata.get('ratelimit')).toBe(`"numbers_per_address";r=0;t=${retryAfter}`);
  });

  test('name a cap of the number with its window, and a cool-down without one', async () => {
    const clients = app.clientsAt(newAddress());
    const phone = newNumber();
    await ask(clients, phone);
    const cooling = await refusalOf(ask(clients, phone));
    expect(cooling.error.metadata.get('ratelimit-policy')).toBe('"phone_cooldown";q=1');

    for (let sent = 1; sent < 3; sent += 1) {
      await passTime();
      await ask(clients, phone);
    }
    await passTime();
    const capped = await refusalOf(ask(clients, phone));
    expect(capped.error.metadata.get('ratelimit-policy')).toBe('"phone_address";q=3;w=3600');
    expect(capped.error.metadata.get('ratelimit')).toMatch(/^"phone_address";r=0;t=\d+$/);
  });

  test('are not there where nothing is limited', async () => {
    const header = new Headers();
    await app.clients.ops.getLiveness({}, { onHeader: (sent) => copy(sent, header) });
    expect([header.has('ratelimit'), header.has('ratelimit-policy')]).toEqual([false, false]);
  });
});

function ask(clients: Clients, phoneNumber: string) {
  return clients.auth.requestRegisterVerification({ phoneNumber });
}

async function fieldsOf(
  clients: Clients,
  phoneNumber: string,
  purpose: 'register' | 'login' = 'register',
): Promise<Fields> {
  const header = new Headers();
  const options = { onHeader: (sent: Headers) => copy(sent, header) };
  if (purpose === 'login') await clients.auth.requestLoginVerification({ phoneNumber }, options);
  else await clients.auth.requestRegisterVerification({ phoneNumber }, options);
  return { policy: header.get('ratelimit-policy'), limit: header.get('ratelimit') };
}

function copy(from: Headers, to: Headers): void {
  for (const [name, value] of from) to.set(name, value);
}

function remaining({ limit }: Fields): number[] {
  return [...(limit ?? '').matchAll(/r=(\d+)/g)].map(([, count]) => Number(count));
}

async function passTime(): Promise<void> {
  await app.sql(`UPDATE phone_attempts SET created_at = created_at - interval '5 minutes'`);
}
