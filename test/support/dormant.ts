import type { TestApp } from './app.ts';

/** Lets every session of the account have ended `days` ago, as if nobody had used it since. */
export async function letSleep(app: TestApp, userId: string, days = 31): Promise<void> {
  await app.sql(
    `UPDATE sessions SET created_at = now() - make_interval(days => $2 + 1),
            idle_expires_at = now() - make_interval(days => $2)
      WHERE user_id = $1`,
    [userId, days],
  );
  await app.sql(
    `UPDATE users_auth SET last_authenticated_at = now() - make_interval(days => $2 + 1)
      WHERE id = $1`,
    [userId, days],
  );
  for (const table of ['login_history', 'audit_events']) {
    const owner = table === 'login_history' ? 'user_id' : 'account_id';
    await app.sql(
      `UPDATE ${table} SET created_at = created_at - make_interval(days => $2) WHERE ${owner} = $1`,
      [userId, days],
    );
  }
}
