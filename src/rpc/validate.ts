import type {
  DescField,
  DescMessage,
  DescMethod,
  DescOneof,
  MessageShape,
} from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { Path } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import type { Validator, Violation } from '@bufbuild/protovalidate';
import type { Interceptor } from '@connectrpc/connect';
import { DomainError } from '../errors.ts';
import { countElements } from './element-count.ts';
import { WrappedRequest } from './wrapped.ts';

type AnyMessage = MessageShape<DescMessage>;

/**
 * Applies the field rules of the protos (buf.validate). Reading the message is what decodes it.
 * The innermost interceptor: a handler may rely on every rule.
 */
export function validate(methods: readonly DescMethod[]): Interceptor {
  const rules = new Rules(methods.map(({ input }) => input));
  return (next) => (request) => {
    const schema = request.method.input;
    if (!request.stream) {
      rules.check(schema, request.message);
      return next(request);
    }
    return next(new WrappedRequest(request, checked(rules, schema, request.message)));
  };
}

async function* checked(
  rules: Rules,
  schema: DescMessage,
  messages: AsyncIterable<AnyMessage>,
): AsyncGenerator<AnyMessage> {
  for await (const message of messages) {
    rules.check(schema, message);
    yield message;
  }
}

/** More elements than any valid request has that a person wrote; each broken one costs some 2 µs. */
const MAX_REPORTED_ELEMENTS = 1_000;

/** The rules of all requests. */
class Rules {
  readonly #first = createValidator({ failFast: true });
  /** Compiles a type's rules when they are first broken; for all types at once it would hold 5 MB. */
  readonly #every = createValidator();

  /** Compiled now: the first check of a type costs 24 ms, and a bad rule must stop the start. */
  constructor(schemas: readonly DescMessage[]) {
    for (const schema of schemas) {
      const { kind, error } = this.#first.validate(schema, create(schema));
      if (kind === 'error') throw new Error(`${schema.typeName} has a bad rule`, { cause: error });
    }
  }

  /**
   * Stops at the first broken rule; only then, and only if the message is small, finds them all: a
   * list of 260,000 broken elements fits into an upload and would take half a second.
   * @throws VALIDATION_FAILED
   */
  check(schema: DescMessage, message: AnyMessage): void {
    if (schema.fields.length === 0) return;
    const first = this.#first.validate(schema, message);
    if (first.kind === 'valid') return;
    const isSmall = countElements(reflect(schema, message), MAX_REPORTED_ELEMENTS) > 0;
    throw refusal(isSmall ? this.#every.validate(schema, message) : first);
  }
}

/** Every rule was compiled at the start, so an evaluation that fails was made to by its input. */
function refusal({ violations = [], error }: ReturnType<Validator['validate']>): DomainError {
  const named = violations.map(described);
  return new DomainError('VALIDATION_FAILED', sentence(named), { violations: named, cause: error });
}

function described({ field, message }: Violation): { field: string; description: string } {
  return { field: jsonPath(field), description: message };
}

function sentence(violations: readonly { field: string; description: string }[]): string {
  const [first] = violations;
  if (first === undefined || first.field === '') return 'The request is not valid.';
  const field = first.field.slice(0, 100).toWellFormed();
  return `The request is not valid (${field}: ${first.description}).`;
}

/** The path as a REST client wrote it: `signalKeyBundle.preKeys[3].publicKey`. */
function jsonPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (step.kind === 'field' || step.kind === 'oneof') text += `${text && '.'}${nameOf(step)}`;
    else if (step.kind === 'extension') text += `[${step.typeName}]`;
    else
      text +=
        step.kind === 'list_sub' ? `[${step.index}]` : `[${JSON.stringify(String(step.key))}]`;
  }
  return text;
}

function nameOf(step: DescField | DescOneof): string {
  return step.kind === 'field' ? step.jsonName : step.localName;
}
