import fc from 'fast-check';

const { PROPERTY_SEED, PROPERTY_PATH, PROPERTY_REPLAY, PROPERTY_RUNS } = process.env;

/**
 * How many runs, and which: a failure prints seed, path and replay path, and the same three in
 * PROPERTY_SEED, PROPERTY_PATH and PROPERTY_REPLAY run that very case again.
 */
export function propertyOptions<T>(runs: number): fc.Parameters<T> {
  return {
    numRuns: Number(PROPERTY_RUNS ?? runs),
    // The first failure is printed at once; run again with its seed, it is made shorter.
    endOnFailure: PROPERTY_SEED === undefined,
    ...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH }),
  };
}

/** Sequences of at most `count` commands. */
export function sequences<Model extends object, Real>(
  commands: fc.Arbitrary<fc.AsyncCommand<Model, Real>>[],
  count: number,
): fc.Arbitrary<Iterable<fc.AsyncCommand<Model, Real>>> {
  const replay = PROPERTY_REPLAY === undefined ? {} : { replayPath: PROPERTY_REPLAY };
  return fc.commands(commands, { maxCommands: count, size: 'max', ...replay });
}
