import { startEdge } from './edge.ts';
import type { Edge, EdgeWish } from './edge.ts';
import { send } from './request.ts';
import type { Answer, Wish } from './request.ts';
import { Stub } from './stub.ts';

/** An edge in front of a stub: what arrives is what is tested. */
export interface StubEdge {
  readonly stub: Stub;
  readonly edge: Edge;
  send(wish: Wish): Promise<Answer>;
  stop(): Promise<void>;
}

export async function startStubEdge(wish: Omit<EdgeWish, 'grpcPorts'> = {}): Promise<StubEdge> {
  const stub = await new Stub().start();
  const edge = await startEdge({ grpcPorts: [stub.port], ...wish });
  return {
    stub,
    edge,
    send: (request) => send(edge.port, request),
    stop: async () => {
      await edge.stop();
      stub.stop();
    },
  };
}
