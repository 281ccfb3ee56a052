/**
 * An opaque position in a list: the parts that the list is ordered by, under the list's name so
 * that a position of another list is refused. It grants nothing: every query is scoped anyway.
 */
export function encodeCursor(listName: string, parts: readonly string[]): string {
  return Buffer.from([listName, ...parts].join('\n')).toString('base64url');
}

/** The parts of a position, or nothing when it is not one of this list with that many parts. */
export function decodeCursor(
  listName: string,
  cursor: string,
  count: number,
): string[] | undefined {
  const [name, ...parts] = Buffer.from(cursor, 'base64url').toString('utf8').split('\n');
  return name === listName && parts.length === count ? parts : undefined;
}
