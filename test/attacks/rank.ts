/** What two sets of times say of whether they come from the same distribution. */
export interface Comparison {
  /** Standard score of the Mann-Whitney U statistic; positive when `right` is slower. */
  readonly score: number;
  /** Difference of the medians in milliseconds; positive when `right` is slower. */
  readonly differenceMs: number;
}

/**
 * Mann-Whitney's rank test (normal approximation, ties share ranks). It looks at ranks only, so a few
 * samples that a busy machine held up do not decide.
 */
export function compareTimes(left: readonly number[], right: readonly number[]): Comparison {
  const rankSum = sum(ranksOf([...left, ...right]).slice(left.length));
  const [n, m] = [left.length, right.length];
  const u = rankSum - (m * (m + 1)) / 2;
  const deviation = Math.sqrt((n * m * (n + m + 1)) / 12);
  return {
    score: (u - (n * m) / 2) / deviation,
    differenceMs: quantile(right, 0.5) - quantile(left, 0.5),
  };
}

/** Between the lower and the upper quartile, in milliseconds. */
export function spreadOf(times: readonly number[]): number {
  return quantile(times, 0.75) - quantile(times, 0.25);
}

function ranksOf(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  for (const [index, value] of sorted.entries()) {
    if (!first.has(value)) first.set(value, index + 1);
    last.set(value, index + 1);
  }
  return values.map((value) => ((first.get(value) ?? 0) + (last.get(value) ?? 0)) / 2);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * part)] ?? NaN;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
