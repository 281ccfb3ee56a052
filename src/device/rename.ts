import { appendAudit } from '../audit/append.ts';
import { DomainError } from '../errors.ts';
import type { Bearer } from '../token/principal.ts';
import { deviceNotFound } from './find.ts';
import type { FindDeps } from './find.ts';
import { printable } from './printable.ts';
import { updateName } from './store.ts';
import type { DeviceRow } from './store.ts';

/** Gives a device of the bearer's account another name. @throws VALIDATION_FAILED, DEVICE_NOT_FOUND */
export async function renameDevice(
  deps: FindDeps,
  bearer: Bearer,
  wish: { readonly deviceId: string; readonly name: string },
): Promise<DeviceRow> {
  const name = printable(wish.name);
  if (name === '') throw nameEmpty();
  const { principal, origin } = bearer;
  const { accountId } = principal;
  const replaceableSeconds = deps.config.deviceReplaceableSeconds;
  return deps.db.tx(async (tx) => {
    const { deviceId } = wish;
    const row = await updateName(tx, { accountId, deviceId, replaceableSeconds }, name);
    if (!row) throw deviceNotFound();
    const details = { by: principal.sessionId };
    const about = { origin, accountId, deviceId, details };
    await appendAudit(tx, { ...about, type: 'device.renamed', actor: 'account' });
    return row;
  });
}

function nameEmpty(): DomainError {
  const description = 'needs a character that can be seen';
  return new DomainError('VALIDATION_FAILED', 'Please enter a name.', {
    violations: [{ field: 'changes.name', description }],
  });
}
