/** Runs a step and prints its name with the seconds it took. */
export function step<T>(title: string, work: () => T | Promise<T>): Promise<T>;
