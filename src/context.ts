import { ConfigError, isProduction } from './config.ts';
import type { Config } from './config.ts';
import { createDataSource, poolOf, servingOptions } from './db/data-source.ts';
import { migrateDatabase } from './db/migrate.ts';
import { createFraudMeter } from './fraud/meter.ts';
import { fraudPolicy } from './fraud/policy.ts';
import { registerGauges } from './gauges.ts';
import { Limiter } from './limits/limiter.ts';
import { limitPolicies } from './limits/policy.ts';
import { LinkFeed } from './link/watch.ts';
import { phoneLimits } from './phone/limits.ts';
import { unknownCountries } from './phone/number.ts';
import { BoundedQueue } from './platform/bounded-queue.ts';
import { systemClock } from './platform/clock.ts';
import type { Clock } from './platform/clock.ts';
import { Digest } from './platform/digest.ts';
import type { Logger } from './platform/logger.ts';
import { createMetrics } from './platform/metrics.ts';
import type { Registry } from './platform/metrics.ts';
import { Database } from './platform/postgres.ts';
import { systemRandom } from './platform/random.ts';
import type { Random } from './platform/random.ts';
import { openRedis } from './platform/redis-connect.ts';
import { Sealer } from './platform/seal.ts';
import type { Stopper } from './platform/stop.ts';
import { Authenticator } from './session/authenticate.ts';
import { RevocationFeed } from './session/revocation-feed.ts';
import { openSms } from './sms/open.ts';
import type { SmsSender } from './sms/sender.ts';
import { KeyRing } from './token/key-ring.ts';
import { ensureSigningKeys } from './token/rotate.ts';
import { selectSigningKeys } from './token/store.ts';
import { listPepperKids } from './two-factor/store-backup-code.ts';

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
  const messages = await openMessages(config, { ...overrides, db, random, metrics }, stopper);
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
    linkFeed: new LinkFeed({ redis, clock, config }),
    ...messages,
    ...rulesOf(config, metrics),
  };
}

/** What bounds sends and checks, by the settings. */
function rulesOf(config: Config, metrics: Registry) {
  return {
    policies: limitPolicies(config),
    phoneLimits: phoneLimits(config),
    bcryptQueue: new BoundedQueue({
      concurrency: config.bcryptConcurrency,
      length: config.bcryptQueueLength,
    }),
    fraudPolicy: fraudPolicy(config),
    fraudMeter: createFraudMeter(metrics),
  };
}

/** A typo would refuse a whole country, or leave it without its price. */
function refuseUnknownCountries(config: Config): void {
  const named = {
    SMS_COUNTRIES: config.smsCountries,
    FRAUD_PRICES: config.fraudPrices.map(({ country }) => country),
    FRAUD_SPEND_CAPS: config.fraudSpendCaps.map(({ country }) => country),
  };
  const problems = Object.entries(named)
    .map(([name, countries]) => [name, unknownCountries(countries)] as const)
    .filter(([, unknown]) => unknown.length > 0)
    .map(([name, unknown]) => `${name} names ${unknown.join(', ')}: no ISO 3166 countries`);
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Without its pepper no backup code of that time is ever right again, and nobody would say so. */
async function refuseDroppedPeppers({ codePeppers }: Config, db: Database): Promise<void> {
  const known = new Set(codePeppers.reveal().map(({ kid }) => kid));
  const dropped = (await listPepperKids(db)).filter((kid) => !known.has(kid));
  if (dropped.length === 0) return;
  throw new ConfigError([`CODE_PEPPERS lacks ${dropped.join(', ')}, which backup codes name`]);
}

async function openDatabase(config: Config, logger: Logger, stopper: Stopper): Promise<Database> {
  if (config.dbMigrationsRun) await migrateDatabase(config, logger);
  const dataSource = createDataSource(servingOptions(config, logger));
  await dataSource.initialize();
  stopper.add(() => dataSource.destroy());
  const db = new Database(poolOf(dataSource), { prepared: config.dbPrepared });
  await refuseDroppedPeppers(config, db);
  return db;
}

async function openMessages(
  config: Config,
  deps: Parameters<typeof openSms>[1] & Pick<Overrides, 'sms'>,
  stopper: Stopper,
) {
  const { sender, receiptReaders, close } = await openSms(config, deps);
  stopper.add(close);
  return { sms: deps.sms ?? sender, receiptReaders };
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
