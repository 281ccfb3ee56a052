/** Made-up files and what a rule says of them; nothing where they are fine. */
export interface Case {
  readonly rule: string;
  /** Completes "a file that …". */
  readonly does: string;
  readonly files: Readonly<Record<string, string>>;
  readonly found: readonly string[];
}
