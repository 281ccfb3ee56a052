import { describe, expect, test } from '@jest/globals';
import { BoundedQueue, QueueFullError } from './bounded-queue.ts';

function trial() {
  let running = 0;
  const seen: { most: number; order: number[] } = { most: 0, order: [] };
  const task = (index: number) => async () => {
    running += 1;
    seen.most = Math.max(seen.most, running);
    seen.order.push(index);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return index;
  };
  return { seen, task };
}

const indices = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a bounded queue', () => {
  test('runs two tasks at once, in the order of arrival', async () => {
    const queue = new BoundedQueue({ concurrency: 2, length: 64 });
    const { seen, task } = trial();
    const results = await Promise.all(indices(20).map((index) => queue.run([task(index)])));
    expect(results.flat()).toEqual(indices(20));
    expect(seen).toEqual({ most: 2, order: indices(20) });
  });

  test('takes what runs and what may wait, and refuses the rest', async () => {
    const queue = new BoundedQueue({ concurrency: 2, length: 16 });
    const { task } = trial();
    const outcomes = await Promise.allSettled(indices(64).map((index) => queue.run([task(index)])));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(64 - 18);
    await expect(queue.run([task(1)])).resolves.toEqual([1]);
  });

  test('takes all tasks of a batch or none', async () => {
    const queue = new BoundedQueue({ concurrency: 2, length: 4 });
    const { seen, task } = trial();
    await expect(queue.run(indices(7).map(task))).rejects.toThrow(QueueFullError);
    expect(seen.order).toEqual([]);
    await expect(queue.run(indices(6).map(task))).resolves.toEqual(indices(6));
  });

  test('goes on after a task that fails', async () => {
    const queue = new BoundedQueue({ concurrency: 1, length: 4 });
    const failing = () => Promise.reject(new Error('broken'));
    await expect(queue.run([failing])).rejects.toThrow('broken');
    const { task } = trial();
    await expect(queue.run([task(7)])).resolves.toEqual([7]);
  });
});
