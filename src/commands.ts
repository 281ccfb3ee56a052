import { loadConfig } from './config.ts';
import type { Config } from './config.ts';
import { createDataSource, poolOf, servingOptions } from './db/data-source.ts';
import { createLogger } from './platform/logger.ts';
import { Database } from './platform/postgres.ts';
import { Sealer } from './platform/seal.ts';
import { activateRipeKey, createNextKey } from './token/rotate.ts';
import type { RotateDeps } from './token/rotate.ts';

/** What an operator can do beside serving; each answers one line. */
const COMMANDS: Readonly<Record<string, (words: readonly string[]) => Promise<string>>> = {
  'config-check': checkConfig,
  'rotate-signing-key': rotateSigningKey,
};

/** Runs `node src/main.ts COMMAND …`. @throws Error with the usage when there is no such command */
export async function runCommand(name: string, words: readonly string[]): Promise<string> {
  const command = COMMANDS[name];
  if (!command) throw new Error(`usage: main [${Object.keys(COMMANDS).join(' | ')}]`);
  return command(words);
}

/** Reads the whole configuration as the service would, and starts nothing. */
function checkConfig(): Promise<string> {
  const { nodeEnv } = loadConfig();
  return Promise.resolve(`The configuration is complete (${nodeEnv}).`);
}

/** Replicas reload their keys every 25 s: after this time each of them verifies a published key. */
const LEARNT_SECONDS = 60;

/**
 * `rotate-signing-key access|refresh [--activate]`: publishes the next key; it signs by itself after
 * JWT_KEY_PENDING_SECONDS. `--activate` has it sign now (a leaked key cannot wait a day), but never
 * before every replica knows it: that would refuse tokens that are good.
 */
async function rotateSigningKey([purpose, option]: readonly string[]): Promise<string> {
  const isKnown = purpose === 'access' || purpose === 'refresh';
  if (!isKnown || (option !== undefined && option !== '--activate')) {
    throw new Error('usage: main rotate-signing-key access|refresh [--activate]');
  }
  const config = loadConfig();
  return withDatabase(config, async (deps) => {
    const created = await createNextKey(deps, purpose);
    const waiting = created === undefined ? 'A next key waits already.' : `Published ${created}.`;
    if (option === undefined) return `${waiting} It signs in ${config.signingKeyPendingSeconds} s.`;
    const active = await activateRipeKey(deps, purpose, LEARNT_SECONDS);
    if (active !== undefined) return `${active} signs now.`;
    return `${waiting} It was published for less than ${LEARNT_SECONDS} s; try again then.`;
  });
}

async function withDatabase<T>(config: Config, work: (deps: RotateDeps) => Promise<T>): Promise<T> {
  const logger = createLogger(config.logLevel);
  const dataSource = createDataSource(servingOptions(config, logger));
  await dataSource.initialize();
  try {
    const db = new Database(poolOf(dataSource), { prepared: config.dbPrepared });
    return await work({ db, sealer: new Sealer(config.keyEncryptionKeys.reveal()) });
  } finally {
    await dataSource.destroy();
  }
}
