import type { Logger } from '../platform/logger.ts';
import type { Registry } from '../platform/metrics.ts';
import type { Database } from '../platform/postgres.ts';
import type { Random } from '../platform/random.ts';
import type { Secret } from '../platform/secret.ts';
import { AttemptLog } from './attempt-log.ts';
import { FailoverSender } from './failover.ts';
import { createInbox } from './inbox.ts';
import type { Provider, ProviderName, ReceiptReader } from './provider.ts';
import { receiptPath } from './receive.ts';
import type { SmsSender } from './sender.ts';
import { createTwilio } from './twilio.ts';
import { createVonage } from './vonage.ts';

/** The settings by their names; a provider's own are complete when it is named. */
export interface SmsConfig {
  readonly smsProviders: readonly { readonly name: ProviderName; readonly weight: number }[];
  readonly smsInboxUrl: string | undefined;
  readonly smsTimeoutMs: number;
  readonly smsBreakerWindow: number;
  readonly smsBreakerMinimum: number;
  readonly smsBreakerPercent: number;
  readonly smsBreakerOpenMs: number;
  readonly twilioAccountSid: string | undefined;
  readonly twilioAuthToken: Secret<string> | undefined;
  readonly twilioFromNumber: string | undefined;
  readonly twilioMessagingServiceSid: string | undefined;
  readonly twilioApiUrl: string;
  readonly vonageApiKey: string | undefined;
  readonly vonageApiSecret: Secret<string> | undefined;
  readonly vonageSignatureSecret: Secret<string> | undefined;
  readonly vonageSignatureMethod: 'sha256' | 'sha512';
  readonly vonageFrom: string | undefined;
  readonly vonageApiUrl: string;
  readonly publicUrl: string | undefined;
  readonly codeTtlSeconds: number;
}

interface SmsDeps {
  readonly db: Database;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** The way out and the way back of messages. */
export interface Sms {
  readonly sender: SmsSender;
  readonly receiptReaders: ReadonlyMap<string, ReceiptReader>;
  /** Waits for what is still being written. */
  readonly close: () => Promise<void>;
}

/** Opens the providers that are configured; with none, every send is refused. */
export async function openSms(config: SmsConfig, deps: SmsDeps): Promise<Sms> {
  const log = new AttemptLog(deps);
  const lines = await Promise.all(
    config.smsProviders.map(async ({ name, weight }) => ({
      provider: await openProvider(config, name),
      weight,
    })),
  );
  const breaker = {
    window: config.smsBreakerWindow,
    minimum: config.smsBreakerMinimum,
    percent: config.smsBreakerPercent,
    openMs: config.smsBreakerOpenMs,
  };
  const readers = lines.flatMap(({ provider: { name, readReceipt } }) =>
    readReceipt === undefined ? [] : [[name, readReceipt] as const],
  );
  return {
    sender: new FailoverSender({ random: deps.random, log, breaker }, lines),
    receiptReaders: new Map(readers),
    close: () => log.close(),
  };
}

function openProvider(config: SmsConfig, name: ProviderName): Provider | Promise<Provider> {
  const { smsTimeoutMs: timeoutMs, codeTtlSeconds: validitySeconds, publicUrl = '' } = config;
  // A message is of no use when its code is not good any more.
  const common = {
    timeoutMs,
    validitySeconds,
    receiptUrl: (attemptId: string) => `${publicUrl}${receiptPath(name, attemptId)}`,
  };
  switch (name) {
    case 'inbox':
      return createInbox({ url: config.smsInboxUrl ?? '', timeoutMs });
    case 'twilio':
      return createTwilio({ ...common, ...twilioOptions(config) });
    case 'vonage':
      return createVonage({ ...common, ...vonageOptions(config) });
    default:
      return name satisfies never;
  }
}

function twilioOptions(config: SmsConfig) {
  const { twilioFromNumber: from = '', twilioMessagingServiceSid: messagingServiceSid } = config;
  return {
    accountSid: config.twilioAccountSid ?? '',
    authToken: config.twilioAuthToken?.reveal() ?? '',
    sender: messagingServiceSid === undefined ? { from } : { messagingServiceSid },
    apiUrl: config.twilioApiUrl,
  };
}

function vonageOptions(config: SmsConfig) {
  return {
    apiKey: config.vonageApiKey ?? '',
    apiSecret: config.vonageApiSecret?.reveal() ?? '',
    signatureSecret: config.vonageSignatureSecret?.reveal() ?? '',
    signatureMethod: config.vonageSignatureMethod,
    from: config.vonageFrom ?? '',
    apiUrl: config.vonageApiUrl,
  };
}
