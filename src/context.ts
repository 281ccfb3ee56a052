import { ConfigError, isProduction } from './config.ts';
import type { Config } from './config.ts';
import { createDataSource, poolOf, servingOptions } from './db/data-source.ts';
import { migrateDatabase } from './db/migrate.ts';
import { registerGauges } from './gauges.ts';
import { Limiter } from './limits/limiter.ts';
import { limitPolicies } from './limits/policy.ts';
import { phoneLimits } from './phone/limits.ts';
import { unknownCountries } from './phone/number.ts';
import { createAbsentSender, createInboxSender } from './phone/sms.ts';
import type { SmsSender } from './phone/sms.ts';
import { systemClock } from './platform/clock.ts';
import type { Clock } from './platform/clock.ts';
import { Digest } from './platform/digest.ts';
import type { Logger } from './platform/logger.ts';
import { createMetrics } from './platform/metrics.ts';
import { Database } from './platform/postgres.ts';
import { systemRandom } from './platform/random.ts';
import type { Random } from './platform/random.ts';
import { openRedis } from './platform/redis-connect.ts';
import { Sealer } from './platform/seal.ts';
import type { Stopper } from './platform/stop.ts';
import { Authenticator } from './session/authenticate.ts';
import { RevocationFeed } from './session/revocation-feed.ts';
import { KeyRing } from './token/key-ring.ts';
import { ensureSigningKeys } from './token/rotate.ts';
import { selectSigningKeys } from './token/store.ts';

/** Replacements for the true edges of the process; everything else is always real. */
export interface Overrides {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly sms?: SmsSender;
  readonly logger?: Logger;
}

/** All that verbs and handlers depend on; each takes the few of these that it names. */
export type Context = Awaited<ReturnType<typeof openContext>>;

/** Opens the stores and builds what stands on them; each step says how it is undone. */
export async function openContext(
  config: Config,
  overrides: Overrides & { readonly logger: Logger },
  stopper: Stopper,
) {
  refuseUnknownCountries(config);
  const { logger, clock = systemClock, random = systemRandom } = overrides;
  const metrics = createMetrics();
  const db = await openDatabase(config, logger, stopper);
  const redis = await openRedis(config, logger);
  stopper.add(() => redis.close());
  const sealer = new Sealer(config.keyEncryptionKeys.reveal());
  const digest = new Digest(config.codePeppers.reveal());
  const keyRing = await openKeyRing(config, { db, clock, sealer });
  const feed = new RevocationFeed({ db, clock, logger, config });
  await feed.start();
  stopper.add(() => feed.stop());
  registerGauges({ metrics, db, redis, feed });
  const authenticator = new Authenticator({ clock, random, keyRing, config, db, redis, feed });
  const limiter = new Limiter({ redis, clock });
  const sms = overrides.sms ?? createSender(config);
  return {
    config,
    logger,
    clock,
    random,
    metrics,
    db,
    redis,
    sealer,
    digest,
    keyRing,
    feed,
    authenticator,
    limiter,
    sms,
    policies: limitPolicies(config),
    phoneLimits: phoneLimits(config),
  };
}

/** A typo would refuse a whole country. */
function refuseUnknownCountries({ smsCountries }: Config): void {
  const unknown = unknownCountries(smsCountries);
  if (unknown.length === 0) return;
  throw new ConfigError([
    `SMS_COUNTRIES names ${unknown.join(', ')}, which are no ISO 3166 countries`,
  ]);
}

async function openDatabase(config: Config, logger: Logger, stopper: Stopper): Promise<Database> {
  if (config.dbMigrationsRun) await migrateDatabase(config, logger);
  const dataSource = createDataSource(servingOptions(config, logger));
  await dataSource.initialize();
  stopper.add(() => dataSource.destroy());
  return new Database(poolOf(dataSource), { prepared: config.dbPrepared });
}

async function openKeyRing(
  config: Config,
  deps: { db: Database; clock: Clock; sealer: Sealer },
): Promise<KeyRing> {
  await ensureSigningKeys(deps, {
    privatePem: config.jwtPrivateKey?.reveal(),
    publicPem: config.jwtPublicKey,
    mayGenerate: !isProduction(config),
  });
  const readKeys = () => selectSigningKeys(deps.db);
  const keyRing = new KeyRing({ ...deps, readKeys });
  await keyRing.reload();
  return keyRing;
}

function createSender(config: Config): SmsSender {
  const { smsInboxUrl: url, smsTimeoutMs: timeoutMs } = config;
  if (!config.smsProviders.includes('inbox') || url === undefined) return createAbsentSender();
  return createInboxSender({ url, timeoutMs });
}
