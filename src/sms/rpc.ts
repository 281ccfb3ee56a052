import type { ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '../../gen/whispr/auth/v1/auth_service_pb.ts';
import { callOf } from '../rpc/call.ts';
import { receiveReceipt } from './receive.ts';
import type { ReceiveDeps } from './receive.ts';

export type SmsSlice = Pick<ServiceImpl<typeof AuthService>, 'receiveDeliveryReceipt'>;

export function createSmsSlice(deps: ReceiveDeps): SmsSlice {
  return {
    receiveDeliveryReceipt: async ({ provider, sendId, body }, context) => {
      const { transport } = callOf(context);
      await receiveReceipt(deps, {
        provider,
        attemptId: sendId,
        contentType: body?.contentType ?? '',
        body: body?.data ?? new Uint8Array(),
        header: (name) => transport.headerValue(name),
      });
      return {};
    },
  };
}
