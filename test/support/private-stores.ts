import { startApp } from './app.ts';
import type { TestApp } from './app.ts';
import { cloneDatabase, startPostgres } from './postgres.ts';
import type { Settings, TestPostgres } from './postgres.ts';
import { uniqueName } from './stores.ts';
import { redisSettings, startValkey } from './valkey.ts';
import type { TestValkey } from './valkey.ts';

/** A service on stores that a test may stop, freeze and start again. */
export interface FragileApp extends TestApp {
  readonly postgres: TestPostgres;
  readonly valkey: TestValkey;
}

export async function startFragileApp(settings: Settings = {}): Promise<FragileApp> {
  const [postgres, valkey] = await Promise.all([startPostgres(), startValkey()]);
  const database = await cloneDatabase(postgres.port, uniqueName());
  const app = await startApp({ ...database, ...redisSettings(valkey.port, 0), ...settings });
  const stop = async () => {
    await app.stop();
    await postgres.remove();
    await valkey.remove();
  };
  return { ...app, postgres, valkey, stop };
}

/** Asks until the answer is there; a state is waited for, never slept for. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isThere: (answer: T) => boolean = () => true,
  timeoutMs = 15_000,
): Promise<T> {
  const endAt = Date.now() + timeoutMs;
  for (;;) {
    try {
      const answer = await ask();
      if (isThere(answer)) return answer;
      if (Date.now() > endAt)
        throw new Error(`Still ${JSON.stringify(answer)} after ${timeoutMs} ms`);
    } catch (error) {
      if (Date.now() > endAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
