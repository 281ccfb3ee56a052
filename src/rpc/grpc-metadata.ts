import type { ConnectError } from '@connectrpc/connect';
import { Metadata, status as Status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import { statusBytes } from './error-details.ts';

/** Connect's codes are gRPC's numbers. */
const STATUS_BY_NUMBER: ReadonlyMap<number, Status> = new Map(
  Object.values(Status).flatMap((value) => (typeof value === 'number' ? [[value, value]] : [])),
);

/** Request metadata as the web's Headers; binary values in base64, as they were on the wire. */
export function toHeaders(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const [key, values] of Object.entries(metadata.toJSON())) {
    for (const value of values) {
      headers.append(key, typeof value === 'string' ? value : value.toString('base64'));
    }
  }
  return headers;
}

export function toMetadata(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of headers) {
    metadata.add(key, key.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  }
  return metadata;
}

/** An error as grpc-js sends it: one trailers-only answer if nothing was sent before. */
export function toStatus(error: ConnectError): StatusObject {
  const metadata = toMetadata(error.metadata);
  metadata.set('grpc-status-details-bin', statusBytes(error));
  const code = STATUS_BY_NUMBER.get(error.code) ?? Status.UNKNOWN;
  return { code, details: error.rawMessage, metadata };
}
