/** Tells open streams that this process stops. One per process, shared by its servers. */
export class Drain {
  readonly #listeners = new Set<() => void>();
  #isStarted = false;

  /** Calls `listener` when the drain starts, or now if it has. Returns how to stop listening. */
  onStart(listener: () => void): () => void {
    if (this.#isStarted) {
      listener();
      return () => undefined;
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.#isStarted = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
