import type {
  DescField,
  DescMessage,
  DescMethod,
  DescOneof,
  MessageShape,
} from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import type { Path } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import type { Validator, Violation } from '@bufbuild/protovalidate';
import type { Interceptor } from '@connectrpc/connect';
import { DomainError } from '../errors.ts';
import { WrappedRequest } from './wrapped.ts';

/**
 * Applies the field rules of the protos (buf.validate). Reading the message is what decodes it.
 * The innermost interceptor: a handler may rely on every rule.
 * `methods` are compiled now: the first check of a type costs some 24 ms, and a rule that does not
 * compile must stop the start, not a call.
 */
export function validate(methods: readonly DescMethod[]): Interceptor {
  const validator = createValidator();
  for (const method of methods) warm(validator, method.input);
  return (next) => (request) => {
    const schema = request.method.input;
    if (!request.stream) {
      check(validator, schema, request.message);
      return next(request);
    }
    return next(new WrappedRequest(request, checked(validator, schema, request.message)));
  };
}

async function* checked(
  validator: Validator,
  schema: DescMessage,
  messages: AsyncIterable<MessageShape<DescMessage>>,
): AsyncGenerator<MessageShape<DescMessage>> {
  for await (const message of messages) {
    check(validator, schema, message);
    yield message;
  }
}

function check(
  validator: Validator,
  schema: DescMessage,
  message: MessageShape<DescMessage>,
): void {
  if (schema.fields.length === 0) return;
  const result = validator.validate(schema, message);
  if (result.kind === 'valid') return;
  // Every rule was compiled at the start, so an evaluation that fails was made to fail by its input.
  const violations = result.kind === 'invalid' ? result.violations.map(described) : [];
  const options = { violations, ...(result.kind === 'error' && { cause: result.error }) };
  throw new DomainError('VALIDATION_FAILED', sentence(violations), options);
}

function warm(validator: Validator, schema: DescMessage): void {
  const { kind, error } = validator.validate(schema, create(schema));
  if (kind === 'error') throw new Error(`The rules of ${schema.typeName} fail`, { cause: error });
}

function described({ field, message }: Violation): { field: string; description: string } {
  return { field: jsonPath(field), description: message };
}

function sentence(violations: readonly { field: string; description: string }[]): string {
  const [first] = violations;
  if (first === undefined || first.field === '') return 'The request is not valid.';
  return `The request is not valid: ${first.field.slice(0, 100).toWellFormed()} ${first.description}.`;
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
