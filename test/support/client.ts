import { createClient, ConnectError } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../../gen/google/rpc/error_details_pb.ts';
import { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { DeviceService } from '../../gen/whispr/device/v1/device_service_pb.ts';
import { OpsService } from '../../gen/whispr/ops/v1/ops_service_pb.ts';

/** Clients of the real gRPC port. */
export interface Clients {
  readonly auth: Client<typeof AuthService>;
  readonly device: Client<typeof DeviceService>;
  readonly ops: Client<typeof OpsService>;
}

/** What a refused call said. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryDelayMs: number | undefined;
  /** JSON paths of the fields that it is about. */
  readonly fields: readonly string[];
  readonly error: ConnectError;
}

/** `address` plays a client behind the edge: the loopback is the trusted edge in tests. */
export function createClients(grpcPort: number, address = '198.51.100.1'): Clients {
  const transport = createGrpcTransport({
    baseUrl: `http://127.0.0.1:${grpcPort}`,
    interceptors: [
      (next) => (request) => {
        if (!request.header.has('x-auth-client-ip'))
          request.header.set('x-auth-client-ip', address);
        return next(request);
      },
    ],
  });
  return {
    auth: createClient(AuthService, transport),
    device: createClient(DeviceService, transport),
    ops: createClient(OpsService, transport),
  };
}

export function bearer(accessToken: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${accessToken}` } };
}

/** What `call` was refused with; fails when it was not. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const outcome = await settle(call);
  if (outcome.status === 'ok') throw new Error('The call was not refused');
  return outcome.refusal;
}

export type Settled<T> =
  | { readonly status: 'ok'; readonly value: T }
  | { readonly status: 'refused'; readonly refusal: Refusal };

/** A call's answer or refusal, for counting over many parallel ones. */
export async function settle<T>(call: Promise<T>): Promise<Settled<T>> {
  try {
    return { status: 'ok', value: await call };
  } catch (error) {
    const connectError = ConnectError.from(error);
    return { status: 'refused', refusal: read(connectError) };
  }
}

/** How often each reason (or `OK`) came. */
export function countReasons(outcomes: readonly Settled<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    const name = outcome.status === 'ok' ? 'OK' : outcome.refusal.reason;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Starts `count` calls at once and waits for all. */
export function together<T>(
  count: number,
  call: (index: number) => Promise<T>,
): Promise<Settled<T>[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => settle(call(index))));
}

function read(error: ConnectError): Refusal {
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const delay = retry?.retryDelay;
  const [bad] = error.findDetails(BadRequestSchema);
  return {
    code: error.code,
    reason: info?.reason ?? `no reason (${error.message})`,
    message: error.rawMessage,
    metadata: info?.metadata ?? {},
    retryDelayMs: delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6,
    fields: bad?.fieldViolations.map(({ field }) => field) ?? [],
    error,
  };
}
