/** The feature, or file of src, that alone writes a table. */
export const OWNERS: Readonly<Record<string, string>> = {
  users_auth: 'entry',
  recoveries: 'recovery',
  login_history: 'entry',
  devices: 'device',
  sessions: 'session',
  revocations: 'session',
  identity_keys: 'keys',
  signed_prekeys: 'keys',
  prekeys: 'keys',
  kem_prekeys: 'keys',
  two_factor_challenges: 'sign-in',
  signing_keys: 'token',
  consumed_verifications: 'phone',
  phone_counters: 'phone',
  phone_attempts: 'phone',
  spend_counters: 'fraud',
  fraud_prefixes: 'fraud',
  fraud_sends: 'fraud',
  backup_codes: 'two-factor',
  two_factor_states: 'two-factor',
  completed_links: 'link',
  audit_events: 'audit',
  audit_events_default: 'audit',
  outbox: 'outbox',
  sms_deliveries: 'sms',
  job_runs: 'jobs',
};

/** Columns that other features than the owner may update; `DELETE` stands for deleting rows. */
export const SHARED_COLUMNS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> =
  {
    users_auth: {
      'two-factor': ['two_factor_secret', 'two_factor_enabled', 'updated_at'],
      account: ['DELETE'],
      recovery: ['locked_down_at', 'locked_down_by', 'updated_at'],
    },
    recoveries: { entry: ['ended_at', 'outcome'] },
  };

/** SQL functions of the migrations, with the tables that they write. */
export const WRITING_FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  take_send: ['phone_attempts', 'phone_counters'],
  take_check: ['phone_attempts', 'phone_counters'],
  settle_check: ['phone_attempts', 'phone_counters'],
  take_spend: ['spend_counters', 'fraud_prefixes', 'fraud_sends'],
  return_spend: ['spend_counters', 'fraud_sends'],
  move_number: ['users_auth'],
  ensure_audit_partitions: ['audit_events'],
  drop_old_audit_partitions: ['audit_events', 'audit_events_default'],
};
