import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClients, bearer } from '../support/client.ts';
import { SERVICE_TEST_TOKEN, startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { registerPerson } from '../support/person.ts';
import { startServiceProcess } from '../support/process.ts';

const CALLERS = 32;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('SIGTERM', () => {
  test('under load lets every accepted call finish, and an open watch does not hold it up', async () => {
    const person = await registerPerson(app);
    const service = await startServiceProcess({ ...app.settings, DRAIN_DELAY_MS: '300' });
    const { auth, device } = createClients(service.grpcPort);
    const watch = auth.watchRevocations({}, { headers: { 'x-test-caller': SERVICE_TEST_TOKEN } });
    const watchEnded = drainOf(watch);

    let isEnding = false;
    let answered = 0;
    let refused = 0;
    const callers = Array.from({ length: CALLERS }, async () => {
      while (!isEnding || refused === 0) {
        try {
          await device.listDevices({}, bearer(person.accessToken));
          answered += 1;
        } catch {
          refused += 1;
          if (isEnding) return;
        }
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    isEnding = true;
    const startedAt = Date.now();
    const exitCode = await service.end('SIGTERM');
    await Promise.all(callers);

    expect(exitCode).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(8_000);
    expect(await watchEnded).toMatch(/unavailable/);
    const accepted = service.logs.filter((line) => line.includes('DeviceService/ListDevices'));
    expect(accepted.filter((line) => !line.includes('"code":"OK"'))).toEqual([]);
    expect(answered).toBe(accepted.length);
  });

  test('on an idle service ends it with exit code 0 and says nothing of an outage', async () => {
    const service = await startServiceProcess(app.settings);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(service.logs.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  });
});

/** How a stream ended. */
async function drainOf(stream: AsyncIterable<unknown>): Promise<string> {
  try {
    for await (const message of stream) if (message === undefined) break;
    return 'ended';
  } catch (error) {
    return String(error);
  }
}
