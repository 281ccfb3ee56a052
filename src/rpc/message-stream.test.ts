import { describe, expect, test } from '@jest/globals';
import { MessageStream } from './message-stream.ts';

async function* numbers(count: number) {
  for (let index = 0; index < count; index += 1) yield await Promise.resolve(index);
}

/** A source that never says anything; `closed` counts how often it was told to stop. */
function silent() {
  const source = {
    closed: 0,
    [Symbol.asyncIterator]: () => source,
    next: () => new Promise<IteratorResult<number>>(() => undefined),
    return: () => {
      source.closed += 1;
      return Promise.resolve({ done: true as const, value: undefined });
    },
  };
  return source;
}

async function read<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of stream) seen.push(item);
  return seen;
}

describe('a stream of messages', () => {
  test('passes every message and ends once', async () => {
    const events: unknown[] = [];
    const stream = new MessageStream(numbers(3), {
      message: () => events.push('message'),
      end: (error) => events.push(error),
    });
    expect(await read(stream)).toEqual([0, 1, 2]);
    expect(events).toEqual(['message', 'message', 'message', undefined]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('changes the error of its source for its reader', async () => {
    const source = (async function* () {
      yield* numbers(1);
      throw new Error('inner');
    })();
    const failure = (error: unknown) => new Error(`outer of ${String(error)}`);
    const ends: unknown[] = [];
    const stream = new MessageStream(source, { failure, end: (error) => ends.push(error) });
    await expect(read(stream)).rejects.toThrow('outer of Error: inner');
    expect(String(ends)).toBe('Error: outer of Error: inner');
  });

  test('can be closed while its source waits', async () => {
    const source = silent();
    const stream = new MessageStream(source, {});
    const reading = read(stream);
    stream.close();
    expect(await reading).toEqual([]);
    expect(source.closed).toBe(1);
  });

  test('that fails while nobody reads gives the error to the next reader, once', async () => {
    const stream = new MessageStream(silent(), {});
    stream.fail(new Error('drain'));
    await expect(stream.next()).rejects.toThrow('drain');
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('keeps the first of two ends', async () => {
    const ends: unknown[] = [];
    const stream = new MessageStream(silent(), { end: (error) => ends.push(error) });
    stream.close();
    stream.fail(new Error('too late'));
    expect(await read(stream)).toEqual([]);
    expect(ends).toEqual([undefined]);
  });

  test('drops a message that comes after its end', async () => {
    let give: (value: IteratorResult<number>) => void = () => undefined;
    const source = {
      [Symbol.asyncIterator]: () => source,
      next: () => new Promise<IteratorResult<number>>((resolve) => (give = resolve)),
    };
    let passed = 0;
    const stream = new MessageStream(source, { message: () => (passed += 1) });
    const reading = read(stream);
    stream.close();
    give({ done: false, value: 1 });
    expect(await reading).toEqual([]);
    expect(passed).toBe(0);
  });
});
