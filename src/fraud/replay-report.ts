import { moneyText } from '../platform/money.ts';
import type { Replay, Tally } from './replay.ts';

/** Prefixes are many; the ones where most would have been refused tell the story. */
const SHOWN = 15;

const HEADS = [
  '',
  'sends',
  'refused then',
  'refused now',
  'of them entered',
  'passed anew',
  'saved',
];

/** The replay as a table for an operator's terminal. */
export function replayReport(replayed: Replay, days: number): string {
  const { total, byReason, byCountry, byPrefix } = replayed;
  if (total.sends === 0) return `No sends are recorded for the last ${days} days.`;
  const added = total.added === 0 ? '' : `, and ${moneyText(total.added)} more would be spent`;
  return [
    `${total.sends} recorded sends of the last ${days} days, decided again:`,
    '',
    tableOf([
      ['all', total],
      ...sorted(byReason).map(([name, tally]) => [`reason ${name}`, tally] as const),
      ...sorted(byCountry).map(([name, tally]) => [`country ${name}`, tally] as const),
      ...sorted(byPrefix).map(([name, tally]) => [`prefix ${name}`, tally] as const),
    ]),
    '',
    `${moneyText(total.saved)} would not have been spent${added}. ${total.refusedVerified} people who entered their code would have been turned away.`,
  ].join('\n');
}

/** Most refused first; what neither rule refused is left out. */
function sorted(tallies: ReadonlyMap<string, Tally>): [string, Tally][] {
  return [...tallies]
    .filter(([, { refusedNow, refusedThen }]) => refusedNow + refusedThen > 0)
    .sort(([, left], [, right]) => right.refusedNow - left.refusedNow)
    .slice(0, SHOWN);
}

function tableOf(rows: readonly (readonly [string, Tally])[]): string {
  const cells = rows.map(([name, tally]) => [
    name,
    ...[tally.sends, tally.refusedThen, tally.refusedNow].map(String),
    ...[tally.refusedVerified, tally.passedAnew, moneyText(tally.saved)].map(String),
  ]);
  const lines = [HEADS, ...cells];
  const widths = HEADS.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
