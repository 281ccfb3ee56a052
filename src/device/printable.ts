/** Text that a client chose, without control characters, which PostgreSQL (NUL) and screens cannot bear. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '').trim();
}
