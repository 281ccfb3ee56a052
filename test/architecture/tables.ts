/** The feature, or file of src, that alone writes a table. */
export const OWNERS: Readonly<Record<string, string>> = {
  users_auth: 'entry',
  login_history: 'entry',
  devices: 'device',
  sessions: 'session',
  revocations: 'session',
  identity_keys: 'keys',
  signed_prekeys: 'keys',
  prekeys: 'keys',
  kem_prekeys: 'keys',
  signing_keys: 'token',
  consumed_verifications: 'phone',
  phone_counters: 'phone',
  phone_attempts: 'phone',
  backup_codes: 'two-factor',
  audit_events: 'audit',
  audit_events_default: 'audit',
  outbox: 'outbox',
  job_runs: 'jobs',
};

/** Columns that other features than the owner may update; `DELETE` stands for deleting rows. */
export const SHARED_COLUMNS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> =
  {
    users_auth: {
      'two-factor': ['two_factor_secret', 'two_factor_enabled', 'updated_at'],
      account: ['phone_number', 'updated_at', 'DELETE'],
      recovery: ['locked_down_at', 'locked_down_by', 'updated_at'],
    },
  };

/** SQL functions of the migrations, with the tables that they write. */
export const WRITING_FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  take_send: ['phone_attempts', 'phone_counters'],
  take_check: ['phone_attempts', 'phone_counters'],
  settle_check: ['phone_attempts', 'phone_counters'],
  ensure_audit_partitions: ['audit_events'],
};
