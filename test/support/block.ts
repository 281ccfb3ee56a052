import { randomInt } from 'node:crypto';
import type { TestApp } from './app.ts';
import { settle } from './client.ts';
import type { Settled } from './client.ts';
import { newAddress } from './person.ts';

/** French mobile numbers whose first digits are the same: one prefix of the toll-fraud guard. */
export interface NumberBlock {
  readonly prefix: string;
  number(index: number): string;
}

export function newBlock(): NumberBlock {
  const prefix = `+3361${randomInt(100, 1_000)}`;
  return { prefix, number: (index) => `${prefix}${String(index).padStart(4, '0')}` };
}

/** Asks for a code for each of `count` numbers of the block, each from an address of its own. */
export async function pump(
  app: TestApp,
  block: NumberBlock,
  options: { count: number; from?: number; address?: () => string },
): Promise<Settled<unknown>[]> {
  const { count, from = 0, address = newAddress } = options;
  const outcomes: Settled<unknown>[] = [];
  for (let index = from; index < from + count; index += 1) {
    const { auth } = app.clientsAt(address());
    const request = { phoneNumber: block.number(index) };
    outcomes.push(await settle(auth.requestRegisterVerification(request)));
  }
  return outcomes;
}
