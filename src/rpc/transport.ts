import { createContextKey } from '@connectrpc/connect';

/** What an engine knows of a call before any interceptor ran. Everything is read on demand. */
export interface Transport {
  /** A request header; several values arrive joined by `, `. */
  headerValue(name: string): string | undefined;
  /** Address of the TCP peer. */
  readonly peerAddress: string;
  /** When the client stops waiting, milliseconds since the epoch; Infinity = it named no deadline. */
  readonly deadlineAtMs: number;
  /** Whether the client went away. */
  readonly isCancelled: boolean;
}

/** Set by the engine that received the call. */
export const transportKey = createContextKey<Transport | undefined>(undefined, {
  description: 'transport',
});
