import { once } from 'node:events';
import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMailbox } from './mailbox.ts';
import { createInboxServer } from './server.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');
let server: Server;
let url: string;

beforeEach(async () => {
  server = createInboxServer(createMailbox(3, () => NOW)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function post(message: unknown): Promise<number> {
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  const response = await fetch(`${url}/messages`, { method: 'POST', body });
  await response.text();
  return response.status;
}

async function read(query = ''): Promise<unknown> {
  return (await fetch(`${url}/messages${query}`)).json();
}

describe('the SMS inbox', () => {
  test('shows a message with its code and the time of its arrival', async () => {
    await post({ to: '+33612345678', body: '123456 is your Whispr code.', sendId: 'a' });

    expect(await read()).toEqual([
      {
        to: '+33612345678',
        body: '123456 is your Whispr code.',
        code: '123456',
        sentAt: NOW.toISOString(),
      },
    ]);
  });

  test.each(['?to=+33612345678', '?to=%2B33612345678', '?to=33612345678'])(
    'finds the messages of a number asked for as %s',
    async (query) => {
      await post({ to: '+33612345678', body: '111111', sendId: 'a' });
      await post({ to: '+33612345679', body: '222222', sendId: 'b' });

      expect(await read(query)).toMatchObject([{ code: '111111' }]);
    },
  );

  test('lists the newest message first and forgets the oldest', async () => {
    for (const code of ['1111', '2222', '3333', '4444']) {
      await post({ to: '+1', body: code, sendId: code });
    }

    expect(await read()).toMatchObject([{ code: '4444' }, { code: '3333' }, { code: '2222' }]);
  });

  test('takes a repeated send id once', async () => {
    await post({ to: '+1', body: '123456', sendId: 'same' });
    await post({ to: '+1', body: '123456', sendId: 'same' });

    expect(await read()).toHaveLength(1);
  });

  test('does not take a phone number in the text for a code', async () => {
    await post({ to: '+1', body: 'Call +33612345678 for help', sendId: 'a' });

    expect(await read()).toMatchObject([{ code: '' }]);
  });

  test.each([
    ['not JSON', '{', 400],
    ['without a text', { to: '+1' }, 400],
    ['a number instead of a text', { to: '+1', body: 5 }, 400],
    ['longer than any SMS', { to: '+1', body: 'x'.repeat(20_000) }, 413],
  ])('refuses a message that is %s', async (_what, message, status) => {
    expect(await post(message)).toBe(status);
    expect(await read()).toEqual([]);
  });

  test('serves a page that runs only its own script', async () => {
    const response = await fetch(url);
    const nonce = /script-src 'nonce-([^']+)'/.exec(
      response.headers.get('content-security-policy') ?? '',
    )?.[1];

    expect(nonce).toBeDefined();
    expect(await response.text()).toContain(`<script nonce="${nonce ?? ''}">`);
  });

  test('answers 404 for anything else', async () => {
    expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
  });
});
