import { livingProcess, MEMBERS } from './records.ts';

const ANSWER_TIMEOUT_MS = 2_000;

/** True when the readiness route answers 200 through the edge (degraded is ready: Redis may be missing). */
export async function isReady(restPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${restPort}/auth/v1/health/ready`, {
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    await response.text();
    return response.status === 200;
  } catch {
    // Nobody listens yet, or the answer takes too long: not ready.
    return false;
  }
}

/** The members that do not run now. */
export function missingMembers(): string[] {
  return MEMBERS.filter((member) => livingProcess(member) === undefined);
}
