import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { isReply } from './messages.ts';
import type { Measurement, Order, Reply, Seeds, Targets } from './messages.ts';

/** The load generator's process, seen from the bench. */
export class Generator {
  readonly inboxPort: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, inboxPort: number) {
    this.#child = child;
    this.inboxPort = inboxPort;
  }

  static async start(): Promise<Generator> {
    const child = fork(join(import.meta.dirname, 'worker.ts'));
    const listening = await replyOf(child);
    if (listening.kind !== 'listening') throw new Error('The load generator does not listen');
    return new Generator(child, listening.inboxPort);
  }

  async prepare(targets: Targets, seeds: Seeds): Promise<void> {
    await this.#ask({ kind: 'prepare', targets, seeds });
  }

  /** @throws when a connection breaks or a call does not end. */
  async run(order: Omit<Extract<Order, { kind: 'run' }>, 'kind'>): Promise<Measurement> {
    const reply = await this.#ask({ kind: 'run', ...order });
    if (reply.kind !== 'measured') throw new Error('The load generator did not measure');
    return reply.measurement;
  }

  /** It ends when its parent lets go. */
  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #ask(order: Order): Promise<Reply> {
    const reply = replyOf(this.#child);
    this.#child.send(order);
    return reply;
  }
}

async function replyOf(child: ChildProcess): Promise<Reply> {
  const reply = await new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => {
      reject(new Error('The load generator ended'));
    });
  });
  child.removeAllListeners('exit');
  if (!isReply(reply)) throw new Error('This is no reply');
  if (reply.kind === 'failed') throw new Error(reply.message);
  return reply;
}
