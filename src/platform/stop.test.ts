import { describe, expect, test } from '@jest/globals';
import { Stopper } from './stop.ts';

describe('stopping', () => {
  test('undoes every step once, the last one first, each after the other', async () => {
    const done: string[] = [];
    const stopper = new Stopper();
    stopper.add(() => void done.push('first'));
    stopper.add(async () => {
      await Promise.resolve();
      done.push('second');
    });

    await Promise.all([stopper.stop(), stopper.stop()]);
    await stopper.stop();

    expect(done).toEqual(['second', 'first']);
  });

  test('goes on after a step that fails, and then says so', async () => {
    const done: string[] = [];
    const stopper = new Stopper();
    stopper.add(() => void done.push('first'));
    stopper.add(() => Promise.reject(new Error('the second step failed')));

    await expect(stopper.stop()).rejects.toThrow('the second step failed');

    expect(done).toEqual(['first']);
  });
});
