import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { StreamRequest, StreamResponse } from '@connectrpc/connect';

type Messages = AsyncIterable<MessageShape<DescMessage>>;

/**
 * A stream's response with other messages. Not a spread copy: an engine's response has getters on
 * its prototype, which a spread loses, and reading them all would create what nobody asked for.
 */
export class WrappedResponse implements StreamResponse {
  readonly stream = true;
  readonly message: Messages;
  readonly #inner: StreamResponse;

  constructor(inner: StreamResponse, message: Messages) {
    this.#inner = inner;
    this.message = message;
  }

  get service() {
    return this.#inner.service;
  }

  get method() {
    return this.#inner.method;
  }

  get header() {
    return this.#inner.header;
  }

  get trailer() {
    return this.#inner.trailer;
  }
}

/** A stream's request with other messages; see `WrappedResponse`. */
export class WrappedRequest implements StreamRequest {
  readonly stream = true;
  readonly message: Messages;
  readonly #inner: StreamRequest;

  constructor(inner: StreamRequest, message: Messages) {
    this.#inner = inner;
    this.message = message;
  }

  get service() {
    return this.#inner.service;
  }

  get method() {
    return this.#inner.method;
  }

  get requestMethod() {
    return this.#inner.requestMethod;
  }

  get url() {
    return this.#inner.url;
  }

  get signal() {
    return this.#inner.signal;
  }

  get header() {
    return this.#inner.header;
  }

  get contextValues() {
    return this.#inner.contextValues;
  }
}
