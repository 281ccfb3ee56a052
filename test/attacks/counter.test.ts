import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { countReasons, refusalOf, together } from '../support/client.ts';
import { newAddress, newNumber } from '../support/person.ts';

const CALLERS = 64;
const CHECKS = 5;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

// CWE-307 with CWE-362: counters read before and written after the comparison, so that guesses sent
// together all see the same count.
describe('guesses sent together', () => {
  test('at two replicas and in two spellings of the id are still five checks of a code', async () => {
    const { verificationId, wrong, right } = await ask();
    const replica = await app.replica();
    const services = [app, replica];
    const spellings = [verificationId, verificationId.toUpperCase()];
    const calls = await together(CALLERS, (index) => {
      const { auth } = (services[index % 2] ?? app).clientsAt(newAddress());
      const id = spellings[(index >> 1) % 2] ?? verificationId;
      return auth.confirmRegisterVerification({ verificationId: id, code: wrong });
    });
    const counts = countReasons(calls);
    expect(counts['CODE_WRONG']).toBe(CHECKS);
    expect(counts['OK']).toBeUndefined();
    const { auth } = app.clientsAt(newAddress());
    const late = auth.confirmRegisterVerification({ verificationId, code: right });
    expect((await refusalOf(late)).reason).toBe('CODE_ATTEMPTS_EXCEEDED');
    await replica.stop();
  });

  test('with the right code among them never let it in after the fifth', async () => {
    const { verificationId, wrong, right } = await ask();
    for (let miss = 0; miss < CHECKS; miss += 1) await confirm(verificationId, wrong);
    const calls = await together(CALLERS, () => check(verificationId, right));
    expect(countReasons(calls)).toEqual({ CODE_ATTEMPTS_EXCEEDED: CALLERS });
  });

  test('under every id that shares a code after resends are still five checks of it', async () => {
    const phone = newNumber();
    const { auth } = app.clientsAt(newAddress());
    const ids: string[] = [];
    for (let send = 0; send < 3; send += 1) {
      ids.push((await auth.requestRegisterVerification({ phoneNumber: phone })).verificationId);
      await app.sql(`UPDATE phone_attempts SET created_at = created_at - interval '5 minutes'`);
    }
    const wrong = wrongCode(app.inbox.codesFor(phone));
    const calls = await together(CALLERS, (index) => check(ids[index % 3] ?? '', wrong));
    expect(countReasons(calls)['CODE_WRONG']).toBe(CHECKS);
  });

  test('against one number from many addresses stop at the number’s daily checks', async () => {
    const phone = newNumber();
    const asked = await together(8, async () => {
      const { auth } = app.clientsAt(newAddress());
      return auth.requestRegisterVerification({ phoneNumber: phone });
    });
    const wrong = wrongCode(app.inbox.codesFor(phone));
    const ids = asked.flatMap((call) => (call.status === 'ok' ? [call.value.verificationId] : []));
    const calls = await together(CALLERS, (index) => check(ids[index % ids.length] ?? '', wrong));
    const compared = countReasons(calls)['CODE_WRONG'] ?? 0;
    // From the 10th failure on a wait of a minute stands between two checks.
    expect(compared).toBeLessThanOrEqual(10);
  });
});

function check(verificationId: string, code: string) {
  const { auth } = app.clientsAt(newAddress());
  return auth.confirmRegisterVerification({ verificationId, code });
}

async function confirm(verificationId: string, code: string): Promise<void> {
  expect((await refusalOf(check(verificationId, code))).reason).toBe('CODE_WRONG');
}

async function ask(): Promise<{ verificationId: string; wrong: string; right: string }> {
  const phone = newNumber();
  const { auth } = app.clientsAt(newAddress());
  const { verificationId } = await auth.requestRegisterVerification({ phoneNumber: phone });
  const right = app.inbox.codeFor(phone);
  return { verificationId, wrong: wrongCode([right]), right };
}

function wrongCode(codes: readonly string[]): string {
  return (
    ['000000', '111111', '222222', '333333', '444444'].find((code) => !codes.includes(code)) ?? ''
  );
}
