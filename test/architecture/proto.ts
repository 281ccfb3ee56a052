import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getOption, hasOption } from '@bufbuild/protobuf';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { http as httpOption } from '../../gen/google/api/annotations_pb.ts';
import { AccessLevel, access } from '../../gen/whispr/options/v1/access_pb.ts';
import { methodComment } from '../../scripts/openapi/comment.ts';
import { buildRegistry } from '../../scripts/proto/registry.ts';
import { root } from './source.ts';

/** What a service of ours promises, with the text of its file. */
export interface ServiceFile {
  readonly service: DescService;
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

const MAX_SERVICE_LINES = 700;

/** Services that others implement; their owners decide about access and paths. */
const PEERS = /^whispr\.(user|notification)\./;

/** The services of the protos as they are now. */
export function readServices(): ServiceFile[] {
  return [...buildRegistry()].flatMap((found) => {
    if (found.kind !== 'service' || PEERS.test(found.typeName)) return [];
    const path = `proto/${found.file.proto.name}`;
    return [{ service: found, path, text: readFileSync(join(root, path), 'utf8') }];
  });
}

/** Every method says who may call it, where, how often and how it fails. */
export function methodProblems({ service }: ServiceFile): string[] {
  return service.methods.flatMap((method) =>
    [...commentProblems(method), ...accessProblems(method), ...idempotencyProblems(method)].map(
      (problem) => `${service.name}.${method.name} ${problem}`,
    ),
  );
}

/** A service with its requests and answers is one file that can be read in one go. */
export function fileProblems({ path, text }: ServiceFile): string[] {
  const lines = text.split('\n').length - 1;
  return [
    ...(path.endsWith('_service.proto') ? [] : [`${path} is not named …_service.proto`]),
    ...(lines > MAX_SERVICE_LINES ? [`${path} has ${lines} lines`] : []),
  ];
}

function commentProblems(method: DescMethod): string[] {
  const { description } = methodComment(method);
  return description === '' ? ['has no comment'] : [];
}

function accessProblems(method: DescMethod): string[] {
  const level = getOption(method, access);
  const isOnEdge = hasOption(method, httpOption);
  switch (level) {
    case AccessLevel.UNSPECIFIED:
      return ['has no access option'];
    case AccessLevel.SERVICE:
      return isOnEdge ? ['is for services and has an http rule'] : [];
    default:
      return isOnEdge ? [] : ['is for callers of the edge and has no http rule'];
  }
}

/** GET is what caches and crawlers repeat; it changes nothing, and what changes nothing says so. */
function idempotencyProblems(method: DescMethod): string[] {
  const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const isGet = getOption(method, httpOption).pattern.case === 'get';
  return isGet && !isRead ? ['is a GET that does not declare NO_SIDE_EFFECTS'] : [];
}
