import { DomainError } from '../errors.ts';
import type { Database } from '../platform/postgres.ts';
import type { ReceiptReader } from './provider.ts';
import { recordReceipt } from './store.ts';

export interface ReceiveDeps {
  readonly db: Database;
  readonly receiptReaders: ReadonlyMap<string, ReceiptReader>;
  readonly config: { readonly publicUrl: string | undefined };
}

export interface ReceivedReceipt {
  readonly provider: string;
  readonly attemptId: string;
  readonly contentType: string;
  readonly body: Uint8Array;
  header(name: string): string | undefined;
}

/** The path of AuthService.ReceiveDeliveryReceipt, as its proto names it. */
export function receiptPath(provider: string, attemptId: string): string {
  return `/auth/v1/webhooks/sms/${provider}/${attemptId}`;
}

/**
 * Records what a provider tells of an attempt. Nothing is read or written before the signature held;
 * an attempt that is not known, or not this provider's, is left at that.
 * @throws WEBHOOK_SIGNATURE_INVALID
 */
export async function receiveReceipt(deps: ReceiveDeps, received: ReceivedReceipt): Promise<void> {
  const { provider, attemptId } = received;
  const url = signedUrl(deps, received);
  const reader = deps.receiptReaders.get(provider);
  const receipt = url === undefined ? undefined : reader?.({ ...received, url });
  if (receipt === undefined) {
    const message = 'The signature is not the provider’s.';
    throw new DomainError('WEBHOOK_SIGNATURE_INVALID', message);
  }
  const { status, messageId, code } = receipt;
  if (status === undefined) return;
  await recordReceipt(deps.db, { attemptId, provider, messageId, status, code });
}

/**
 * What the provider was told to call, by the path as it arrived at the edge. It has to name the same
 * attempt as the request does; undefined when it does not.
 */
function signedUrl(deps: ReceiveDeps, received: ReceivedReceipt): string | undefined {
  const { publicUrl } = deps.config;
  const path = receiptPath(received.provider, received.attemptId);
  const arrived = received.header('x-envoy-original-path') ?? path;
  const isSame = arrived === path || arrived.startsWith(`${path}?`);
  return isSame && publicUrl !== undefined ? `${publicUrl}${arrived}` : undefined;
}
