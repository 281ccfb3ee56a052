import { answered, unanswered } from './provider.ts';
import type { Attempt, Provider, SendOutcome } from './provider.ts';

interface InboxOptions {
  readonly url: string;
  readonly timeoutMs: number;
}

/** The local stack's inbox, where a person reads the code. Development and test only. */
export function createInbox(options: InboxOptions): Provider {
  return { name: 'inbox', send: (attempt) => post(options, attempt) };
}

async function post({ url, timeoutMs }: InboxOptions, attempt: Attempt): Promise<SendOutcome> {
  try {
    const response = await fetch(`${url}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ to: attempt.to, body: attempt.body, sendId: attempt.id }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    if (!response.ok) return answered(response.status);
    return { status: 'accepted', messageId: attempt.id };
  } catch (error) {
    return unanswered(error);
  }
}
