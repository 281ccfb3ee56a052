/** Copies the Google protos that ours import into proto/google of the repository at `root`. */
export function copyGoogle(root: string): void;
