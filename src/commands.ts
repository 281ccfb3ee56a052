import { auditRangeFrom, exportAudit } from './audit/export.ts';
import { loadConfig } from './config.ts';
import type { Config } from './config.ts';
import { createDataSource, poolOf, servingOptions } from './db/data-source.ts';
import { fraudPolicy } from './fraud/policy.ts';
import { replay } from './fraud/replay.ts';
import { replayOptions } from './fraud/replay-options.ts';
import { replayReport } from './fraud/replay-report.ts';
import { selectRecord } from './fraud/store-record.ts';
import { createLogger } from './platform/logger.ts';
import { Database } from './platform/postgres.ts';
import { systemRandom } from './platform/random.ts';
import { Sealer } from './platform/seal.ts';
import { lockAsOperator, unlockAsOperator } from './recovery/operate.ts';
import { activateRipeKey, createNextKey } from './token/rotate.ts';
import type { RotateDeps } from './token/rotate.ts';

/** One line, or many as they come. */
export type Answer = string | AsyncIterable<string>;

/** What an operator can do beside serving. */
const COMMANDS: Readonly<Record<string, (words: readonly string[]) => Promise<Answer>>> = {
  'config-check': checkConfig,
  'export-audit': exportAuditLog,
  'rotate-signing-key': rotateSigningKey,
  'replay-fraud': replayFraud,
  'lock-account': lockAccount,
  'unlock-account': unlockAccount,
};

/** Runs `node src/main.ts COMMAND …`. @throws Error with the usage when there is no such command */
export async function runCommand(name: string, words: readonly string[]): Promise<Answer> {
  const command = COMMANDS[name];
  if (!command) throw new Error(`usage: main [${Object.keys(COMMANDS).join(' | ')}]`);
  return command(words);
}

/** Reads the whole configuration as the service would, and starts nothing. */
function checkConfig(): Promise<string> {
  const { nodeEnv } = loadConfig();
  return Promise.resolve(`The configuration is complete (${nodeEnv}).`);
}

/** `export-audit [--from TIME] [--to TIME] [--account UUID]`: the audit log, a line of JSON per event. */
function exportAuditLog(words: readonly string[]): Promise<Answer> {
  const range = auditRangeFrom(words);
  return Promise.resolve(streamFromDatabase(loadConfig(), (deps) => exportAudit(deps, range)));
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

/**
 * `replay-fraud [--min-sends 10] [--max-conversion 0.3] …`: what other thresholds would have refused
 * of the recorded sends, against what was decided. It only reads.
 */
async function replayFraud(words: readonly string[]): Promise<string> {
  const config = loadConfig();
  const own = {
    policy: fraudPolicy(config),
    countries: config.smsCountries,
    recordDays: config.fraudRecordDays,
  };
  const { days, rules } = replayOptions(words, own);
  return withDatabase(config, async ({ db }) =>
    replayReport(replay(await selectRecord(db, days), rules), days),
  );
}

/** `lock-account ACCOUNT_ID`: ends every session and refuses sign-in until `unlock-account`. */
async function lockAccount(words: readonly string[]): Promise<string> {
  const accountId = accountIdFrom(words, 'lock-account');
  const config = loadConfig();
  return withDatabase(config, async ({ db }) => {
    const ended = await lockAsOperator({ db, config, random: systemRandom }, accountId);
    if (ended === undefined) throw new Error(`There is no account ${accountId}.`);
    return `${accountId} is locked down; ${ended} session(s) ended.`;
  });
}

/** `unlock-account ACCOUNT_ID`: ends a lockdown, whoever began it. */
async function unlockAccount(words: readonly string[]): Promise<string> {
  const accountId = accountIdFrom(words, 'unlock-account');
  const config = loadConfig();
  return withDatabase(config, async ({ db }) => {
    const isLifted = await unlockAsOperator({ db, config, random: systemRandom }, accountId);
    if (!isLifted) throw new Error(`There is no account ${accountId} that is locked down.`);
    return `${accountId} can be used again.`;
  });
}

function accountIdFrom([accountId = '', ...others]: readonly string[], command: string): string {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(accountId);
  if (!isId || others.length > 0) throw new Error(`usage: main ${command} ACCOUNT_ID`);
  return accountId.toLowerCase();
}

async function withDatabase<T>(config: Config, work: (deps: RotateDeps) => Promise<T>): Promise<T> {
  const { deps, close } = await openDatabase(config, config.logLevel);
  try {
    return await work(deps);
  } finally {
    await close();
  }
}

/** Lines that are read while the connection is open; nothing else may come between them. */
async function* streamFromDatabase(
  config: Config,
  work: (deps: RotateDeps) => AsyncIterable<string>,
): AsyncGenerator<string> {
  const { deps, close } = await openDatabase(config, 'silent');
  try {
    yield* work(deps);
  } finally {
    await close();
  }
}

async function openDatabase(config: Config, logLevel: string) {
  const dataSource = createDataSource(servingOptions(config, createLogger(logLevel)));
  await dataSource.initialize();
  const db = new Database(poolOf(dataSource), { prepared: config.dbPrepared });
  const sealer = new Sealer(config.keyEncryptionKeys.reveal());
  return { deps: { db, sealer }, close: () => dataSource.destroy() };
}
