import { create, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { OutboxEventSchema } from '../../gen/whispr/events/v1/event_pb.ts';
import { SecurityEventKind } from '../../gen/whispr/notification/v1/notification_service_pb.ts';
import { DeprovisionReason } from '../../gen/whispr/user/v1/user_service_pb.ts';
import type { OutboxEvent } from './event.ts';

type Payload = MessageInitShape<typeof OutboxEventSchema>['payload'];

/** The event as it is stored; when it occurred is the row's own time. */
export function encodeEvent(event: OutboxEvent): Uint8Array {
  const message = create(OutboxEventSchema, {
    eventId: event.id,
    userId: event.accountId,
    payload: payloadOf(event),
  });
  return toBinary(OutboxEventSchema, message);
}

function payloadOf(event: OutboxEvent): Payload {
  switch (event.kind) {
    case 'user.registered':
      return { case: 'userRegistered', value: { phoneNumber: event.phoneNumber } };
    case 'device.revoked':
      return { case: 'deviceRevoked', value: { deviceId: event.deviceId } };
    case 'phone.changed':
      return { case: 'phoneNumberChanged', value: { phoneNumber: event.phoneNumber } };
    case 'user.deprovisioned':
      return { case: 'userDeprovisioned', value: { reason: DeprovisionReason[event.reason] } };
    case 'security': {
      const { deviceId, attributes } = event;
      const kind = SecurityEventKind[event.event];
      return { case: 'securityEvent', value: { kind, deviceId, attributes } };
    }
    default:
      return event satisfies never;
  }
}
