import { madeAt, nullable, primary, table, text, time, uuid, withDefault } from './columns.ts';

const smsDeliveries = table('sms_deliveries', {
  columns: {
    id: primary(uuid),
    sendId: uuid,
    provider: text,
    providerMessageId: nullable(text),
    status: withDefault(text, 'sending'),
    errorCode: nullable(text),
    createdAt: madeAt,
    updatedAt: madeAt,
    receiptAt: nullable(time),
  },
  checks: [
    {
      name: 'sms_deliveries_status_check',
      expression: `status IN ('sending', 'failed', 'unknown', 'accepted', 'sent', 'delivered', 'undelivered')`,
    },
  ],
  indices: [{ name: 'sms_deliveries_age', columns: ['createdAt'] }],
});

/** Attempts to send, for the receipts of the providers. */
export const smsEntities = [smsDeliveries];
