export interface StreamHooks {
  /** A message passed. */
  message?(): void;
  /** Turns the source's error into the one that the reader gets. */
  failure?(error: unknown): unknown;
  /** Called once, however it ended; `error` is what the reader got, if anything. */
  end?(error: unknown): void;
}

interface Reader<T> {
  resolve(result: IteratorResult<T>): void;
  reject(error: unknown): void;
}

type Ending = { readonly error: unknown } | 'done';

/**
 * A stream of response messages with hooks, that can be ended from outside at once, even while its
 * source waits. (An async generator cannot: its `return()` queues behind the pending `next()`, so a
 * watch that waits for an event would outlive its caller, its deadline and the drain.)
 */
export class MessageStream<T> implements AsyncIterableIterator<T> {
  readonly #source: AsyncIterator<T>;
  readonly #hooks: StreamHooks;
  #reader: Reader<T> | undefined;
  #ending: Ending | undefined;
  /** An error that came while nobody was reading: the next reader gets it. */
  #undelivered: Ending | undefined;

  constructor(source: AsyncIterable<T>, hooks: StreamHooks) {
    this.#source = source[Symbol.asyncIterator]();
    this.#hooks = hooks;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      if (this.#ending !== undefined) {
        this.#settle(this.#undelivered ?? 'done');
        return;
      }
      this.#source.next().then(
        (result) => {
          this.#deliver(result);
        },
        (error: unknown) => {
          this.#finish({ error: this.#hooks.failure?.(error) ?? error });
        },
      );
    });
  }

  /** The reader wants no more. */
  return(): Promise<IteratorResult<T>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The reader could not use a message. */
  throw(error: unknown): Promise<IteratorResult<T>> {
    this.fail(error);
    return Promise.reject(error instanceof Error ? error : new Error('The stream was aborted'));
  }

  /** Ends the stream as if the source were exhausted. */
  close(): void {
    this.#finish('done');
    this.#release();
  }

  /** Ends the stream with an error. */
  fail(error: unknown): void {
    this.#finish({ error });
    this.#release();
  }

  #deliver(result: IteratorResult<T>): void {
    if (result.done === true) {
      this.#finish('done');
      return;
    }
    if (this.#ending !== undefined) return;
    this.#hooks.message?.();
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve(result);
  }

  #finish(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#hooks.end?.(ending === 'done' ? undefined : ending.error);
    if (this.#reader === undefined) this.#undelivered = ending;
    else this.#settle(ending);
  }

  #settle(ending: Ending): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#undelivered = undefined;
    if (ending === 'done') reader?.resolve({ done: true, value: undefined });
    else reader?.reject(ending.error);
  }

  /** Lets the source clean up. Its own end may come late (after its signal) and interests nobody. */
  #release(): void {
    this.#source.return?.().then(undefined, () => undefined);
  }
}
