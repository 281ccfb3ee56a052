/** The queue has no room for the work: it should be tried again later. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
}

export interface QueueBounds {
  /** Tasks that run at the same time. */
  readonly concurrency: number;
  /** Tasks that may wait. */
  readonly length: number;
}

/** Runs costly work a few at a time, in the order of arrival, and refuses what would wait too long. */
export class BoundedQueue {
  readonly #bounds: QueueBounds;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  /** All of the tasks are taken, or none. @throws QueueFullError */
  async run<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
    const idle = this.#bounds.concurrency - this.#running;
    const room = this.#bounds.length - this.#waiting.length + idle;
    if (tasks.length > room) throw new QueueFullError('The queue is full');
    return Promise.all(tasks.map((task) => this.#inTurn(task)));
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#bounds.concurrency) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      // The place goes to the next in line without becoming free in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
