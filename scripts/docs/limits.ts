/** docs/limits.md: every limit, from the tables that enforce them, and what each leaves to a guesser. */
import { randomBytes } from 'node:crypto';
import { loadConfig } from '../../src/config.ts';
import type { Config } from '../../src/config.ts';
import { settings } from '../../src/config/table.ts';
import { fraudLimits } from '../../src/fraud/policy.ts';
import { limitPolicies } from '../../src/limits/policy.ts';
import type { Limit, WithoutRedis } from '../../src/limits/policy.ts';
import { phoneCaps } from '../../src/phone/limits.ts';
import { guessingRows } from './guessing-rows.ts';
import { code, table } from './markdown.ts';
import { MISSES_PER_LOCK } from '../../src/two-factor/store.ts';

const INTRODUCTION = `# Limits

Every limit of the service with its default, and what it leaves to somebody who guesses. A limit is
counted in one script or one statement, so parallel calls never exceed it, and counted before what it
limits happens.

## How a limit answers

A limit that is used up answers RESOURCE_EXHAUSTED \`RATE_LIMITED\` (over REST 429) with the limit's name
in the metadata of its ErrorInfo, a RetryInfo and \`Retry-After\`. Calls that send or check a code also
tell what is left, whether they succeed or not, in the fields of
draft-ietf-httpapi-ratelimit-headers-11, as gRPC metadata and as HTTP headers:

\`\`\`
RateLimit-Policy: "sends_per_address";q=20;w=3600, "numbers_per_address";q=10;w=3600
RateLimit: "sends_per_address";r=19;t=3600, "numbers_per_address";r=9;t=3600
\`\`\`

\`r\` is what is left for the next \`t\` seconds; windows slide. A success only ever shows limits of the
caller's own address, so nobody learns from it whether a number has an account or whether somebody else
asked for it. Budgets of prefixes and countries are named, but their sizes are not told.

## Without Redis

| Kind | What happens | Why |
| --- | --- | --- |
| closed | UNAVAILABLE \`STORE_UNAVAILABLE\` | what is limited lives in Redis, or costs money |
| own share | each process counts for itself | the call must go on: three failed refreshes sign the deployed app out |
| PostgreSQL | nothing changes | an attacker would gain from a limit that is forgotten |

PostgreSQL is the truth for every limit that an attacker would want rolled back. Losing Redis frees the
limits per address, never those per number, account, prefix or country.

`;

const KINDS: Readonly<Record<WithoutRedis, string>> = {
  closed: 'closed',
  local: 'own share',
  postgres: 'PostgreSQL',
};

/** @throws Error when a limit names a setting that there is not */
export function limitsPage(): string {
  const config = defaults();
  return [
    INTRODUCTION,
    section('Per address, session and account', [
      ...Object.values(limitPolicies(config)),
      lateRefreshes(config),
      recoveryStarts(config),
    ]),
    section('Per number', [...perCode(config), ...phoneCaps(config)]),
    section('Second factor', secondFactor(config)),
    section('Toll fraud', fraudLimits(config)),
    waits(config),
    '## What is left to a guesser\n',
    'Computed from the defaults above, for somebody who tries as early as the limits allow.\n',
    table(['Secret', 'Caps', 'Guesses', 'Chance'], guessingRows(config)),
    FOOTNOTES,
  ].join('\n');
}

const FOOTNOTES = `
- A right code of a number's owner starts the number's failures anew, and so does a right second factor;
  "owner signs in daily" is the most that this gives to a guesser.
- A second factor can only be tried after the phone code was right, so its chance is that of somebody who
  reads the owner's messages already.
- The QR number is no secret from whoever shows the QR code: it keeps an owner who was talked into scanning
  a stranger's code from approving it unseen. The chance is that of an owner who types any number.
`;

function section(title: string, limits: readonly Limit[]): string {
  const heads = ['Name', 'Counts', 'Per', 'At most', 'In', 'Without Redis', 'Setting'];
  const rows = limits.map((limit) => [
    code(limit.name),
    limit.counts,
    limit.per,
    String(limit.limit),
    limit.windowSeconds === undefined ? 'until it ends' : durationText(limit.windowSeconds),
    KINDS[limit.withoutRedis],
    limit.setting === undefined ? 'fixed' : code(settingName(limit.setting)),
  ]);
  return `## ${title}\n\n${table(heads, rows)}`;
}

function lateRefreshes(config: Config): Limit {
  return {
    name: 'late_refreshes',
    counts: 'uses of a refresh token that was replaced a while ago',
    per: 'session',
    limit: config.refreshLateMax,
    windowSeconds: 30 * 86_400,
    withoutRedis: 'postgres',
    setting: 'refreshLateMax',
  };
}

function recoveryStarts(config: Config): Limit {
  return {
    name: 'recovery_starts_per_account',
    counts: 'recoveries that were started, cancelled ones included',
    per: 'account',
    limit: config.recoveryStartsPerDay,
    windowSeconds: 86_400,
    withoutRedis: 'postgres',
    setting: 'recoveryStartsPerDay',
  };
}

function perCode(config: Config): Limit[] {
  return [
    {
      name: 'checks_per_code',
      counts: 'checks, right or wrong',
      per: 'code',
      limit: config.codeChecks,
      withoutRedis: 'closed',
      setting: 'codeChecks',
    },
  ];
}

function secondFactor(config: Config): Limit[] {
  const misses = { counts: 'misses in a row, of authenticator and backup codes together' };
  return [
    {
      ...misses,
      name: 'two_factor_lock',
      per: 'account',
      limit: MISSES_PER_LOCK,
      withoutRedis: 'postgres',
    },
    {
      ...misses,
      name: 'two_factor_refusing',
      per: 'account; backup codes, an older session and recovery remain',
      limit: config.twoFactorRefusingMisses,
      withoutRedis: 'postgres',
      setting: 'twoFactorRefusingMisses',
    },
    {
      name: 'challenge_tries',
      counts: 'tries of a second factor',
      per: 'login that waits for it',
      limit: config.challengeTries,
      windowSeconds: config.challengeSeconds,
      withoutRedis: 'postgres',
      setting: 'challengeTries',
    },
    {
      name: 'link_number',
      counts: 'tries of the number that the new device shows',
      per: 'QR login',
      limit: 1,
      withoutRedis: 'closed',
    },
  ];
}

function waits(config: Config): string {
  const rows = [
    [
      'between two codes to a number from one address',
      config.cooldownSeconds.map(durationText).join(' → '),
      code(settingName('cooldownSeconds')),
    ],
    [
      `after the ${config.waitFromFailures}th failed check in a row of a number, and each one after it`,
      '1 min, doubled each time, up to 1 d',
      code(settingName('waitFromFailures')),
    ],
    [
      `after every ${MISSES_PER_LOCK}th miss in a row of a second factor`,
      config.twoFactorLockSeconds.map(durationText).join(' → '),
      code(settingName('twoFactorLockSeconds')),
    ],
    [
      'while a prefix is blocked; doubled when it begins again within a day',
      `${durationText(config.fraudPrefixBlockSeconds)} up to ${durationText(config.fraudPrefixBlockMaxSeconds)}`,
      code(settingName('fraudPrefixBlockSeconds')),
    ],
  ];
  return `## Waits\n\n${table(['Wait', 'How long', 'Setting'], rows)}`;
}

function settingName(property: string): string {
  const found = Object.entries(settings).find(([key]) => key === property);
  if (!found) throw new Error(`A limit names the setting ${property}, which there is not`);
  return found[1].name;
}

function durationText(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const [size, name] = units.find(([unit]) => seconds % unit === 0) ?? [1, 's'];
  return `${seconds / size} ${name}`;
}

/** What the service does when only what has no default is set. */
function defaults(): Config {
  const key = `docs:${randomBytes(32).toString('base64')}`;
  return loadConfig({
    JWT_ISSUER: 'docs',
    JWT_AUDIENCE: 'docs',
    KEY_ENCRYPTION_KEYS: key,
    CODE_PEPPERS: key,
  });
}
