import { expect } from '@jest/globals';
import { LinkStateSchema } from '../../gen/whispr/device/v1/link_pb.ts';
import { settle } from '../support/client.ts';
import { toldOf } from '../support/link.ts';
import type { NewDevice } from '../support/link.ts';
import { pick } from './command.ts';
import type { Holder } from './holder.ts';
import { view } from './link-model.ts';
import type { LinkModel } from './link-model.ts';
import { isLiving } from './session-model.ts';
import type { World } from './world.ts';

export interface Real {
  readonly phones: readonly string[];
  /** As the model's sessions; the first two are the accounts' own. */
  readonly holders: Holder[];
  /** As the model's links, each with every code that it showed. */
  readonly devices: (NewDevice & { readonly codes: string[] })[];
}

/** The proof is the approver's, with its age and its end. */
export async function expectInherited(
  { app }: World,
  lender: Holder,
  holder: Holder,
): Promise<void> {
  const proof =
    'SELECT user_id, auth_time, amr, acr, absolute_expires_at FROM sessions WHERE id = $1';
  const [lent] = await app.sql(proof, [lender.sessionId]);
  expect(await app.sql(proof, [holder.sessionId])).toEqual([lent]);
}

/** What the service tells and the stores keep must be what the model says, after every command. */
export async function expectSameState(
  { app }: World,
  model: LinkModel,
  { devices, holders }: Real,
): Promise<void> {
  const views = devices.map(async ({ clients, started: { challengeId } }) => {
    const seen = await settle(clients.device.getLink({ challengeId }));
    if (seen.status === 'refused') return seen.refusal.reason;
    return LinkStateSchema.value[seen.value.state]?.localName.toLowerCase();
  });
  expect(await Promise.all(views)).toEqual(model.links.map((link) => view(model, link)));
  const rows = await app.sql(
    `SELECT (SELECT count(*)::int FROM completed_links) AS collected,
            (SELECT count(*)::int FROM sessions WHERE revoked_at IS NULL) AS living`,
  );
  const collected = model.links.filter(({ isCollected }) => isCollected).length;
  const living = model.sessions.filter((session) => isLiving(model, session)).length;
  expect(rows).toEqual([{ collected, living }]);
  for (const account of [0, 1]) {
    const told = await toldOf(app, pick(holders, account).userId);
    const alerts = told.filter((event) => event === 'LINK_SCANNED_TWICE');
    expect(alerts).toHaveLength(model.alerts.filter((of) => of === account).length);
  }
}
