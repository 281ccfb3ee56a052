/** A message as the inbox shows it. `code` is empty when the text holds none. */
export type Message = {
  readonly to: string;
  readonly body: string;
  readonly code: string;
  readonly sentAt: string;
};

/** Received messages, newest first. */
export type Mailbox = {
  readonly receive: (sendId: string, message: { to: string; body: string }) => void;
  readonly find: (to?: string) => Message[];
};

/** Keeps the newest messages only: the inbox may run for weeks. */
export function createMailbox(capacity: number, now: () => Date): Mailbox {
  // A Map keeps the order of arrival; a repeated send id is a retry of a message that we have.
  const messages = new Map<string, Message>();
  return {
    receive(sendId, { to, body }) {
      if (messages.has(sendId)) {
        return;
      }
      messages.set(sendId, { to, body, code: codeIn(body), sentAt: now().toISOString() });
      const oldest = messages.keys().next();
      if (messages.size > capacity && oldest.done !== true) {
        messages.delete(oldest.value);
      }
    },
    find(to) {
      const newestFirst = [...messages.values()].reverse();
      return to === undefined
        ? newestFirst
        : newestFirst.filter((message) => digits(message.to) === digits(to));
    },
  };
}

/** A `+` in a query string arrives as a blank unless it was encoded: only the digits count. */
function digits(phoneNumber: string): string {
  return phoneNumber.replaceAll(/\D/g, '');
}

function codeIn(body: string): string {
  return /(?<!\d)\d{4,8}(?!\d)/.exec(body)?.[0] ?? '';
}
