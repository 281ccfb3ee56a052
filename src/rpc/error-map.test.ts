import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorReason } from '../../gen/whispr/auth/v1/error_reason_pb.ts';
import { DomainError } from '../errors.ts';
import type { Reason } from '../errors.ts';
import { PostgresUnavailable } from '../platform/postgres.ts';
import { RedisUnavailable } from '../platform/redis.ts';
import { reasonOf, statusOf, toConnectError, toDomainError } from './error-map.ts';

/** `STATUS` of each reason, as the comments of error_reason.proto say it. */
function documented(): Map<string, string> {
  const file = new URL('../../proto/whispr/auth/v1/error_reason.proto', import.meta.url);
  const text = readFileSync(file, 'utf8');
  const entries = text.matchAll(/((?: {2}\/\/.*\n)+) {2}ERROR_REASON_(\w+) = \d+;/g);
  return new Map(
    [...entries].flatMap(([, comment = '', name = '']) => {
      const status = /^ {2}\/\/ ([A-Z_]+): /.exec(comment)?.[1];
      return status === undefined ? [] : [[name, status] as const];
    }),
  );
}

function isReason(name: string): name is Reason {
  return name !== 'UNSPECIFIED' && name in ErrorReason;
}

function nameOf(code: Code): string {
  if (code === Code.Canceled) return 'CANCELLED';
  return Code[code].replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

describe('the status of a reason', () => {
  test('is the one that its proto comment says', () => {
    const reasons = Object.keys(ErrorReason).filter(isReason);
    const statuses = reasons.map((reason) => [reason, nameOf(statusOf(reason))] as const);
    expect(new Map(statuses)).toEqual(documented());
  });

  test('that can pass by itself comes with a time to come back', () => {
    for (const name of ['RATE_LIMITED', 'STORE_UNAVAILABLE', 'SHUTTING_DOWN'] as const) {
      const retryAfter = toConnectError(new DomainError(name, 'Later.')).metadata.get(
        'retry-after',
      );
      expect(Number(retryAfter)).toBeGreaterThan(0);
    }
    const finished = toConnectError(new DomainError('CODE_WRONG', 'No.', { retryDelayMs: 500 }));
    expect(finished.metadata.has('retry-after')).toBe(false);
  });
});

describe('a thrown value', () => {
  test('of a store that is away is UNAVAILABLE', () => {
    for (const error of [new PostgresUnavailable('pg'), new RedisUnavailable('redis')]) {
      expect(toDomainError(error).reason).toBe('STORE_UNAVAILABLE');
    }
  });

  test('from an outbound call is a defect, and none of its text is told', () => {
    const wire = new ConnectError('not your business', Code.InvalidArgument);
    wire.isWireError = true;
    const unreachable = new ConnectError('connect ECONNREFUSED', Code.Unavailable);
    for (const thrown of [wire, unreachable, new TypeError('x is undefined'), 'text', undefined]) {
      const answer = toConnectError(toDomainError(thrown));
      expect([answer.code, answer.rawMessage]).toEqual([Code.Internal, 'internal error']);
      expect(reasonOf(answer)).toBe('INTERNAL');
    }
  });
});
