import type { DescMethod } from '@bufbuild/protobuf';

const KIB = 1024;

/** grpc-js's own limit, for the whole server: no method's limit may exceed it. */
export const MAX_MESSAGE_BYTES = 1024 * KIB;

/** Largest request of a method. A name is a service's, or `Service/Method` for one of its methods. */
export interface MessageLimits {
  readonly defaultBytes: number;
  readonly bytesByName: Readonly<Record<string, number>>;
}

/** 64 KiB for everything but services that take uploads of keys. */
export const MESSAGE_LIMITS: MessageLimits = {
  defaultBytes: 64 * KIB,
  bytesByName: { 'whispr.keys.v1.KeyDirectoryService': 512 * KIB },
};

export function maxRequestBytes(limits: MessageLimits, method: DescMethod): number {
  const { bytesByName, defaultBytes } = limits;
  const service = method.parent.typeName;
  return bytesByName[`${service}/${method.name}`] ?? bytesByName[service] ?? defaultBytes;
}
