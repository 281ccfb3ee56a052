import { sql } from '../platform/postgres.ts';
import type { Queryable, Tx } from '../platform/postgres.ts';
import type { HashedCode } from './backup-hash.ts';

/** Replaces the account's whole set. */
export async function replaceBackupCodes(
  tx: Tx,
  accountId: string,
  codes: readonly HashedCode[],
): Promise<void> {
  await tx.query(REPLACE, [
    accountId,
    codes.map(({ slot }) => slot),
    codes.map(({ codeHash }) => codeHash),
    codes.map(({ pepperKid }) => pepperKid),
    codes.map(({ salt }) => salt),
  ]);
}

const REPLACE = sql(
  'two_factor.replace_backup_codes',
  `INSERT INTO backup_codes (user_id, slot, code_hash, pepper_kid, salt)
   SELECT $1, slot, code_hash, pepper_kid, salt
     FROM unnest($2::smallint[], $3::text[], $4::text[], $5::bytea[])
       AS new (slot, code_hash, pepper_kid, salt)
   ON CONFLICT (user_id, slot) DO UPDATE
     SET code_hash = excluded.code_hash, pepper_kid = excluded.pepper_kid, salt = excluded.salt,
         used = false, created_at = now()`,
);

/** The unused code of a slot. */
export async function selectBackupCode(
  db: Queryable,
  accountId: string,
  slot: number,
): Promise<HashedCode | undefined> {
  const [row] = await db.query<HashedCode>(SELECT_CODE, [accountId, slot]);
  return row;
}

const SELECT_CODE = sql(
  'two_factor.select_backup_code',
  `SELECT slot, code_hash AS "codeHash", pepper_kid AS "pepperKid", salt FROM backup_codes
    WHERE user_id = $1 AND slot = $2 AND NOT used`,
);

/** Uses the code up; false when somebody did before, or it was replaced. */
export async function updateUsed(
  tx: Tx,
  accountId: string,
  code: Pick<HashedCode, 'slot' | 'codeHash'>,
): Promise<boolean> {
  const rows = await tx.query(USE_CODE, [accountId, code.slot, code.codeHash]);
  return rows.length === 1;
}

const USE_CODE = sql(
  'two_factor.use_backup_code',
  `UPDATE backup_codes SET used = true
    WHERE user_id = $1 AND slot = $2 AND used = false AND code_hash = $3 RETURNING slot`,
);

/** How many codes are left. */
export async function countUnused(db: Queryable, accountId: string): Promise<number> {
  const [row] = await db.query<{ count: number }>(COUNT_UNUSED, [accountId]);
  return row?.count ?? 0;
}

const COUNT_UNUSED = sql(
  'two_factor.count_unused_codes',
  'SELECT count(*)::integer AS count FROM backup_codes WHERE user_id = $1 AND NOT used',
);

export async function deleteBackupCodes(tx: Tx, accountId: string): Promise<void> {
  await tx.query(DELETE_CODES, [accountId]);
}

const DELETE_CODES = sql(
  'two_factor.delete_backup_codes',
  'DELETE FROM backup_codes WHERE user_id = $1',
);

/** Every pepper that a stored code needs, found by hopping through the index: a few reads. */
export async function listPepperKids(db: Queryable): Promise<string[]> {
  const rows = await db.query<{ kid: string }>(LIST_KIDS, []);
  return rows.map(({ kid }) => kid);
}

const LIST_KIDS = sql(
  'two_factor.list_pepper_kids',
  `WITH RECURSIVE kids AS (
     SELECT min(pepper_kid) AS kid FROM backup_codes
      UNION ALL
     SELECT (SELECT min(b.pepper_kid) FROM backup_codes b WHERE b.pepper_kid > kids.kid)
       FROM kids WHERE kids.kid IS NOT NULL)
   SELECT kid FROM kids WHERE kid IS NOT NULL`,
);
