/** What the owner of an account must be told of. */
export type SecurityEventKind =
  | 'NEW_DEVICE'
  | 'REFRESH_REUSED'
  | 'REFRESH_LATE'
  | 'TWO_FACTOR_CHANGED'
  | 'TWO_FACTOR_REFUSING'
  | 'RECOVERY_STARTED'
  | 'RECOVERY_ENDED'
  | 'LINK_SCANNED_TWICE'
  | 'NUMBER_CHANGED'
  | 'NUMBER_REFUSING'
  | 'LOCKDOWN'
  | 'DEVICE_REMOVED'
  | 'ACCOUNT_DELETED';

/** Why an account leaves user-service. */
export type DeprovisionReason = 'DELETED' | 'NUMBER_MOVED';

interface EventBase {
  /** UUID; receivers know a repetition by it. */
  readonly id: string;
  readonly accountId: string;
  /** Keyed hash of the number, for events whose order per number matters. */
  readonly phoneKey?: Buffer;
  /** The same of a number that the event sets free: its next holder's events come after this one. */
  readonly freedPhoneKey?: Buffer;
}

/** An event for other services, before it is encoded. */
export type OutboxEvent =
  | (EventBase & { readonly kind: 'user.registered'; readonly phoneNumber: string })
  | (EventBase & { readonly kind: 'device.revoked'; readonly deviceId: string })
  | (EventBase & { readonly kind: 'phone.changed'; readonly phoneNumber: string })
  | (EventBase & { readonly kind: 'user.deprovisioned'; readonly reason: DeprovisionReason })
  | (EventBase & {
      readonly kind: 'security';
      readonly event: SecurityEventKind;
      readonly deviceId: string;
      /** What a text for the owner needs; never a number, code, token or key. */
      readonly attributes: Readonly<Record<string, string>>;
    });
