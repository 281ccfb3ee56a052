interface Entry<T> {
  readonly item: T;
  readonly weight: number;
}

/**
 * The order in which providers are asked, send by send. Those with a weight share the first place in
 * that proportion, evenly mixed (smooth weighted round robin); behind the first come the others by
 * weight, and those without a weight as reserve in the order in which they were listed. Without any
 * weight the first of the list leads always.
 */
export class Rotation<T> {
  readonly #slots: (Entry<T> & { credit: number })[];
  readonly #total: number;

  constructor(entries: readonly Entry<T>[]) {
    this.#slots = entries
      .map(({ item, weight }) => ({ item, weight, credit: 0 }))
      .sort((left, right) => right.weight - left.weight);
    this.#total = entries.reduce((sum, { weight }) => sum + weight, 0);
  }

  next(): T[] {
    const [first, ...others] = this.#slots;
    if (first === undefined) return [];
    let leader = first;
    for (const slot of this.#slots) slot.credit += slot.weight;
    for (const slot of others) if (slot.credit > leader.credit) leader = slot;
    leader.credit -= this.#total;
    return [leader, ...this.#slots.filter((slot) => slot !== leader)].map(({ item }) => item);
  }
}
