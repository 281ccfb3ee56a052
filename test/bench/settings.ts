import { randomBytes } from 'node:crypto';

/** What the measured service is told, beside where its stores are. */
export interface ServiceSettings {
  readonly grpcPort: number;
  readonly inboxPort: number;
  readonly serviceTestToken: string;
  readonly stores: Readonly<Record<string, string>>;
}

/** One person signs in every few minutes here: the limits are opened as far as their bounds allow. */
const LIMITS = {
  VERIFICATION_COOLDOWN_SECONDS: '0',
  VERIFICATION_SENDS_PER_NUMBER_HOUR: '20',
  VERIFICATION_SENDS_PER_NUMBER_DAY: '20',
  VERIFICATION_SENDS_PER_NUMBER_HARD_DAY: '40',
  VERIFICATION_SENDS_PER_NUMBER_ADDRESS_HOUR: '20',
  VERIFICATION_SENDS_PER_NUMBER_ADDRESS_DAY: '20',
  VERIFICATION_VERIFIED_SENDS_PER_DAY: '50',
  FRAUD_SENDS_PER_COUNTRY_HOUR: '1000000',
  FRAUD_SPEND_PER_COUNTRY_DAY: '9999999',
};

/** The environment of the service: everything on that production has on, and logging at `info`. */
export function environmentFor(settings: ServiceSettings): Readonly<Record<string, string>> {
  const key = () => `bench:${randomBytes(32).toString('base64')}`;
  return {
    ...settings.stores,
    ...LIMITS,
    // SERVICE_TEST_TOKEN, the inbox and a client address from the loopback need it.
    NODE_ENV: 'test',
    LOG_LEVEL: 'info',
    GRPC_HOST: '127.0.0.1',
    GRPC_PORT: String(settings.grpcPort),
    METRICS_ENABLED: 'true',
    METRICS_PORT: '0',
    DRAIN_DELAY_MS: '0',
    DRAIN_TIMEOUT_MS: '5000',
    JWT_ISSUER: 'https://auth.test',
    JWT_AUDIENCE: 'whispr',
    // The tokens are minted before the first round and used in the last one.
    JWT_ACCESS_TTL_SECONDS: '3600',
    KEY_ENCRYPTION_KEYS: key(),
    CODE_PEPPERS: key(),
    SMS_PROVIDERS: 'inbox',
    SMS_INBOX_URL: `http://127.0.0.1:${settings.inboxPort}`,
    SERVICE_TEST_TOKEN: settings.serviceTestToken,
  };
}
