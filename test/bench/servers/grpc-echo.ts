import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import {
  GetLivenessRequestSchema,
  GetLivenessResponseSchema,
} from '../../../gen/whispr/ops/v1/ops_service_pb.ts';
import type {
  GetLivenessRequest,
  GetLivenessResponse,
} from '../../../gen/whispr/ops/v1/ops_service_pb.ts';

// grpc-js and protobuf-es as they come, without anything of ours: what the engine costs by itself.
const server = new Server({ 'grpc.enable_channelz': 0 });
server.register(
  '/echo',
  (
    _call: ServerUnaryCall<GetLivenessRequest, GetLivenessResponse>,
    respond: sendUnaryData<GetLivenessResponse>,
  ) => {
    respond(null, create(GetLivenessResponseSchema, { status: 'live' }));
  },
  (answer) => Buffer.from(toBinary(GetLivenessResponseSchema, answer)),
  (bytes) => fromBinary(GetLivenessRequestSchema, bytes),
  'unary',
);
const address = `127.0.0.1:${process.env['ECHO_PORT'] ?? ''}`;
server.bindAsync(address, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
