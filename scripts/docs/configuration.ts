/** docs/configuration.md: every variable, from the table that the service itself reads. */
import { BlockList } from 'node:net';
import { auditSettings } from '../../src/config/audit.ts';
import { accountSettings } from '../../src/config/account.ts';
import { databaseSettings } from '../../src/config/database.ts';
import { edgeSettings } from '../../src/config/edge.ts';
import { fraudSettings } from '../../src/config/fraud.ts';
import { linkSettings } from '../../src/config/link.ts';
import { processSettings } from '../../src/config/process.ts';
import { redisSettings } from '../../src/config/redis.ts';
import { sessionSettings } from '../../src/config/session.ts';
import type { Setting } from '../../src/config/setting.ts';
import { smsSettings } from '../../src/config/sms.ts';
import { settings } from '../../src/config/table.ts';
import { tokenSettings } from '../../src/config/token.ts';
import { twoFactorSettings } from '../../src/config/two-factor.ts';
import { verificationSettings } from '../../src/config/verification.ts';
import { code, table } from './markdown.ts';

type Group = Readonly<Record<string, Setting<unknown>>>;

const SECTIONS: readonly (readonly [title: string, group: Group])[] = [
  ['The process', processSettings],
  ['PostgreSQL', databaseSettings],
  ['Audit log', auditSettings],
  ['Redis', redisSettings],
  ['Tokens and keys', tokenSettings],
  ['Sessions and devices', sessionSettings],
  ['Phone verification', verificationSettings],
  ['Two-factor', twoFactorSettings],
  ['Account life', accountSettings],
  ['SMS', smsSettings],
  ['Toll fraud', fraudSettings],
  ['QR login', linkSettings],
  ['Edge, mesh and clients', edgeSettings],
];

const INTRODUCTION = `# Configuration

Everything is read from environment variables at start. Each variable \`NAME\` can be given as
\`NAME_FILE\` instead: the path of a file that holds the value (setting both is refused). An empty
variable counts as unset.

The service tells every problem at once and does not start with one: a value outside its range, a
missing value, a name that looks like a setting and is none. \`node src/main.ts config-check\` reads the
configuration as the service would and starts nothing.

*Production* is every \`NODE_ENV\` other than exactly \`development\` or \`test\`, also none at all. Test
aids are refused there: \`DB_SYNCHRONIZE=true\`, \`SMS_PROVIDERS=inbox\`, \`SERVICE_TEST_TOKEN\`.

A secret never appears in a log or in a problem. In Kubernetes set \`enableServiceLinks: false\`: a
Service named \`redis\` otherwise sets \`REDIS_PORT\` to \`tcp://…\`, which is refused.
`;

/** @throws Error when a setting of the table stands in no section */
export function configurationPage(): string {
  const shown = new Set(SECTIONS.flatMap(([, group]) => Object.keys(group)));
  const missing = Object.keys(settings).filter((key) => !shown.has(key));
  if (missing.length > 0) throw new Error(`No section shows ${missing.join(', ')}`);
  return [INTRODUCTION, ...SECTIONS.map(section)].join('\n');
}

function section([title, group]: readonly [string, Group]): string {
  const heads = ['Name', 'Meaning', 'Value', 'Default', 'In production'];
  const rows = Object.values(group).map((setting) => [
    `\`${setting.name}\`${setting.secret ? ' (secret)' : ''}`,
    setting.meaning,
    accepted(setting),
    fallbackOf(setting, setting.fallback),
    productionOf(setting),
  ]);
  return `## ${title}\n\n${table(heads, rows)}`;
}

/** A reader says what it takes when it is given what no reader takes. */
function accepted({ read }: Setting<unknown>): string {
  try {
    return Array.isArray(read('\u0000')) ? 'list, separated by commas' : 'text';
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    return message.replace(/^must (be|name) /, '').replace(/;.*$/, '');
  }
}

function productionOf(setting: Setting<unknown>): string {
  const here = fallbackOf(setting, setting.fallback);
  const there = fallbackOf(setting, setting.productionFallback);
  return here === there ? 'the same' : there;
}

function fallbackOf(
  { name }: Setting<unknown>,
  fallback: { readonly value: unknown } | undefined,
): string {
  if (!fallback) return '**required**';
  const text = textOf(fallback.value);
  return text === '' ? 'none' : `${code(text)}${durationOf(name, fallback.value)}`;
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (value instanceof BlockList) return value.rules.map(blockOf).reverse().join(',');
  return Array.isArray(value) ? value.join(',') : JSON.stringify(value).replace(/^"|"$/g, '');
}

/** `Subnet: IPv4 127.0.0.0/8` as Node prints it. */
function blockOf(rule: string): string {
  return rule.replace(/^Subnet: IPv[46] /, '');
}

const UNITS: readonly (readonly [size: number, name: string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
];

/** ` = 10 min` behind what would have to be divided in the head. */
function durationOf(name: string, value: unknown): string {
  if (typeof value !== 'number' || value === 0 || !/_(MS|SECONDS)$/.test(name)) return '';
  const seconds = name.endsWith('_MS') ? value / 1000 : value;
  const unit = UNITS.find(([size]) => seconds % size === 0);
  return unit ? ` = ${seconds / unit[0]} ${unit[1]}` : '';
}
