import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { bearer } from '../support/client.ts';
import { registerPerson, signIn } from '../support/person.ts';

type Bearing = ReturnType<typeof bearer>;

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

// OWASP API1:2023 through the back door: a position in a list taken for the right to the list.
describe('a page token of somebody else', () => {
  test('pages through the bearer’s own rows only', async () => {
    const other = await registerPerson(app);
    for (let session = 0; session < 2; session += 1) await signIn(app, other.phone);
    const own = await registerPerson(app);
    await signIn(app, own.phone);
    const { auth, device } = app.clients;
    const lists = [
      async (as: Bearing, pageToken: string) => {
        const page = await auth.listSessions({ pageSize: 1, pageToken }, as);
        return pageOf(page.sessions, page);
      },
      async (as: Bearing, pageToken: string) => {
        const page = await device.listDevices({ pageSize: 1, pageToken }, as);
        return pageOf(page.devices, page);
      },
      async (as: Bearing, pageToken: string) => {
        const page = await auth.listLoginHistory({ pageSize: 1, pageToken }, as);
        return pageOf(page.entries, page);
      },
      async (as: Bearing, pageToken: string) => {
        const page = await auth.listAuditEvents({ pageSize: 1, pageToken }, as);
        return pageOf(page.events, page);
      },
    ];
    for (const list of lists) {
      const foreign = await collect((token) => list(bearer(other.accessToken), token));
      const mine = await collect((token) => list(bearer(own.accessToken), token));
      expect(foreign.tokens.length).toBeGreaterThan(1);
      for (const token of foreign.tokens) {
        const { ids } = await list(bearer(own.accessToken), token);
        expect(ids.filter((id) => !mine.ids.includes(id))).toEqual([]);
      }
    }
  });
});

function pageOf(rows: readonly { id: string }[], { nextPageToken }: { nextPageToken: string }) {
  return { ids: rows.map(({ id }) => id), next: nextPageToken };
}

async function collect(list: (token: string) => Promise<ReturnType<typeof pageOf>>) {
  const found: { ids: string[]; tokens: string[] } = { ids: [], tokens: [] };
  for (let token = ''; ;) {
    const { ids, next } = await list(token);
    found.ids.push(...ids);
    if (next === '') return found;
    found.tokens.push(next);
    token = next;
  }
}
