type Stop = () => void | Promise<void>;

/** Remembers how to undo each step of a start, and does it backwards, once. */
export class Stopper {
  readonly #steps: Stop[] = [];
  #stopping: Promise<void> | undefined;

  add(step: Stop): void {
    this.#steps.push(step);
  }

  /** Every step runs even if an earlier one failed; rejects with the first failure at the end. */
  stop(): Promise<void> {
    this.#stopping ??= this.#run();
    return this.#stopping;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
