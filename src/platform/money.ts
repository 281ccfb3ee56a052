/** Millionths of the operator's currency: prices of messages add up exactly. */
export class Money {
  readonly micros: number;

  constructor(micros: number) {
    this.micros = micros;
  }

  toString(): string {
    return moneyText(this.micros);
  }

  toJSON(): string {
    return this.toString();
  }
}

const UNIT = 1_000_000;

/** Millionths as `0.05`, with two decimals at least. */
export function moneyText(micros: number): string {
  const decimals = String(micros % UNIT).padStart(6, '0');
  return `${Math.trunc(micros / UNIT)}.${decimals.replace(/0{1,4}$/, '')}`;
}

/** Reads `12`, `0.05` or `0.000001`; undefined for anything else, a sign too. */
export function parseMoney(text: string): Money | undefined {
  const [, whole, decimals = ''] = /^(\d{1,7})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  return new Money(Number(whole) * UNIT + Number(decimals.padEnd(6, '0')));
}
