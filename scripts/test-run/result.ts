/** Counts for the last line of a run. */
export type Counts = { readonly passed: number; readonly failed: number };

/**
 * Reads Jest's JSON result. A file that could not even be loaded has no tests to count, and an unhandled
 * error fails a run without failing a test: each counts as a failure, and so does a run that tested nothing.
 */
export function countResult(result: unknown, exitCode: number): Counts {
  const passed = numberAt(result, 'numPassedTests');
  const failed = numberAt(result, 'numFailedTests') + numberAt(result, 'numRuntimeErrorTestSuites');
  const isSilentFailure = failed === 0 && (exitCode !== 0 || passed === 0);
  return { passed, failed: isSilentFailure ? 1 : failed };
}

function numberAt(value: unknown, name: string): number {
  const found: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'number' ? found : 0;
}
