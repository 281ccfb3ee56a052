import { madeAt, primary, table, text } from './columns.ts';

const completedLinks = table('completed_links', {
  columns: { id: primary(text), completedAt: madeAt },
});

/** QR logins whose tokens were collected. */
export const linkEntities = [completedLinks];
