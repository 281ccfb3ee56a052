import { readFileSync } from 'node:fs';
import { databaseSettings } from './config/database.ts';
import { smsConflicts } from './config/sms.ts';
import { settings } from './config/table.ts';
import type { Setting } from './config/setting.ts';

type Values<Group> = Readonly<{
  [K in keyof Group]: Group[K] extends Setting<infer T> ? T : never;
}>;

/** Every setting by its property name, typed by its reader. */
export type Config = Values<typeof settings>;

/** The settings that concern PostgreSQL; all that a migration needs. */
export type DatabaseConfig = Values<typeof databaseSettings>;

/** All problems of a configuration at once, secrets masked. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration has ${problems.length} problem(s):\n- ${problems.join('\n- ')}`);
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the process environment. @throws ConfigError with every problem at once */
export function loadConfig(environment: Environment = process.env): Config {
  const problems = unknownNames(environment);
  const config = readGroup(settings, environment, problems);
  const conflicts = conflictsOf(config);
  if (conflicts.length > 0) throw new ConfigError(conflicts);
  return config;
}

/** The database's settings alone: a migration needs no signing keys. @throws ConfigError */
export function loadDatabaseConfig(environment: Environment = process.env): DatabaseConfig {
  return readGroup(databaseSettings, environment, []);
}

/** Whether test aids are refused: anything but exactly `development` or `test` is production. */
export function isProduction(config: Pick<Config, 'nodeEnv'>): boolean {
  return config.nodeEnv === 'production';
}

function readGroup<Group extends Readonly<Record<string, Setting<unknown>>>>(
  group: Group,
  environment: Environment,
  problems: string[],
): Values<Group> {
  const isSafe = ['development', 'test'].includes(environment['NODE_ENV'] ?? '');
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(group)) {
    const fallback = isSafe ? setting.fallback : setting.productionFallback;
    values[key] = readSetting({ ...setting, fallback }, environment, problems);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values as Values<Group>;
}

function readSetting(
  setting: Setting<unknown>,
  environment: Environment,
  problems: string[],
): unknown {
  const raw = rawValue(setting.name, environment, problems);
  if (raw === undefined || raw === '') {
    if (!setting.fallback) problems.push(`${setting.name} is required: ${setting.meaning}`);
    return setting.fallback?.value;
  }
  try {
    return setting.read(raw);
  } catch (error) {
    const shown = setting.secret ? '' : ` (it is '${raw.slice(0, 60)}')`;
    const reason = error instanceof Error ? error.message : 'cannot be read';
    problems.push(`${setting.name} ${reason}${shown}`);
    return undefined;
  }
}

function rawValue(name: string, environment: Environment, problems: string[]): string | undefined {
  const direct = environment[name];
  const path = environment[`${name}_FILE`];
  if (path === undefined || path === '') return direct;
  if (direct !== undefined && direct !== '') {
    problems.push(`${name} and ${name}_FILE are both set; keep one`);
    return direct;
  }
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    problems.push(`${name}_FILE names '${path}', which cannot be read`);
    return undefined;
  }
}

/** What Kubernetes injects for a Service named redis or db; not ours, and no typo of ours. */
const SERVICE_LINK = /_(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?)$/;

function unknownNames(environment: Environment): string[] {
  const known = new Set(Object.values(settings).flatMap(({ name }) => [name, `${name}_FILE`]));
  const families = new Set([...known].map((name) => name.split('_', 1)[0]));
  families.delete('NODE');
  return Object.keys(environment)
    .filter((name) => name.includes('_') && families.has(name.split('_', 1)[0]))
    .filter((name) => !known.has(name) && !SERVICE_LINK.test(name))
    .filter((name) => looksLikeOurs(name))
    .map((name) => `${name} is not a setting of this service; see docs/configuration.md`);
}

/** Families shared with other programs (PUBLIC_, STATE_, LOG_ …) are too common to refuse. */
function looksLikeOurs(name: string): boolean {
  return /^(ACCOUNT|DB|REDIS|JWT|SMS|FRAUD|CONNECT|METRICS|LINK|TWILIO|VONAGE|VERIFICATION|TWO_FACTOR|KEY_ENCRYPTION|CODE_PEPPERS?|SESSION_(?!MANAGER))_?/.test(
    name,
  );
}

function conflictsOf(config: Config): string[] {
  const production = isProduction(config);
  const conflicts = smsConflicts(config, production);
  if (production && config.dbSynchronize) {
    conflicts.push('DB_SYNCHRONIZE=true is refused in production: migrations change the schema');
  }
  if (production && config.serviceTestToken !== undefined) {
    conflicts.push('SERVICE_TEST_TOKEN is refused in production');
  }
  if (config.jwtAccessAudience === config.jwtRefreshAudience) {
    conflicts.push('JWT_REFRESH_AUDIENCE must differ from JWT_AUDIENCE');
  }
  if (config.codeTtlSeconds > config.verificationTtlSeconds) {
    conflicts.push('VERIFICATION_CODE_TTL_SECONDS must not exceed VERIFICATION_TTL_SECONDS');
  }
  return conflicts;
}
