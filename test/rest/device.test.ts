import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeployedApp, fieldOf, reasonOf } from './deployed-app.ts';
import type { Kept } from './deployed-app.ts';
import { expectGolden } from './golden.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

let rest: Rest;
let first: DeployedApp;
let owner: Kept;

beforeAll(async () => {
  rest = await startRest({ KEY_SIGNATURE_POLICY: 'legacy', VERIFICATION_COOLDOWN_SECONDS: '0' });
  first = new DeployedApp(rest);
  owner = await first.signIn('register');
});

afterAll(async () => {
  await rest.stop();
});

describe('devices over REST', () => {
  it('tells one device', async () => {
    const answer = await first.call('GET', `/device/${owner.deviceId}`, asOwner());
    expectGolden('device', answer);
  });

  it('renames a device by a body of its new values, whatever ids it holds', async () => {
    const other = await next();
    const json = { name: 'Kitchen tablet', id: owner.deviceId, deviceId: owner.deviceId };
    const answer = await first.call('POST', `/device/${other.deviceId}`, { ...asOwner(), json });
    expectGolden('device-rename', answer);
    const device = fieldOf(answer.json, 'device');
    expect([fieldOf(device, 'id'), fieldOf(device, 'name')]).toEqual([
      other.deviceId,
      'Kitchen tablet',
    ]);
    const own = await first.call('GET', `/device/${owner.deviceId}`, asOwner());
    expect(fieldOf(fieldOf(own.json, 'device'), 'name')).toBe('Ana’s phone');
  });

  it('refuses a name of control characters by the name of its field', async () => {
    const json = { name: '\u0007\u0000' };
    const path = `/device/${owner.deviceId}`;
    const answer = await first.call('POST', path, { ...asOwner(), json });
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'VALIDATION_FAILED']);
    expect(answer.text).toContain('"field":"changes.name"');
  });

  it('removes the device of the path, not the one of the query', async () => {
    const other = await next();
    const path = `/device/${other.deviceId}?deviceId=${owner.deviceId}&device_id=${owner.deviceId}`;
    expectGolden('device-revoke', await first.call('DELETE', path, asOwner()));
    const refused = await first.call('GET', '/device', { token: other.accessToken });
    expect([refused.status, reasonOf(refused)]).toEqual([401, 'SESSION_REVOKED']);
    expect((await first.call('GET', '/device', asOwner())).status).toBe(200);
  });

  it('answers 404 for an unknown device and for somebody else’s', async () => {
    const stranger = await new DeployedApp(rest).signIn('register');
    for (const id of [randomUUID(), stranger.deviceId]) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await first.call(method, `/device/${id}`, asOwner());
        expect(reasonOf(answer)).toBe('DEVICE_NOT_FOUND');
        expectGolden('error/DEVICE_NOT_FOUND', answer);
      }
    }
    const malformed = await first.call('DELETE', '/device/none', asOwner());
    expect([malformed.status, reasonOf(malformed)]).toEqual([400, 'VALIDATION_FAILED']);
  });

  it('refuses a young session the removal of an older device', async () => {
    const { accessToken: token } = await next();
    for (const [method, path] of [
      ['DELETE', `/device/${owner.deviceId}`],
      ['POST', '/device/revoke-others'],
    ] as const) {
      const answer = await first.call(method, path, { token });
      expect([answer.status, reasonOf(answer)]).toEqual([403, 'STEP_UP_REQUIRED']);
    }
  });

  it('removes all other devices and counts them', async () => {
    await next();
    await next();
    const answer = await first.call('POST', '/device/revoke-others', asOwner());
    expect(Number(fieldOf(answer.json, 'revokedCount'))).toBeGreaterThanOrEqual(2);
    const again = await first.call('POST', '/device/revoke-others', asOwner());
    expectGolden('device-revoke-others', again);
    const { json } = await first.call('GET', '/device', asOwner());
    expect(json).toEqual([expect.objectContaining({ id: owner.deviceId, is_current: true })]);
  });
});

it('tells the audit events of the account over REST, in pages', async () => {
  const page = await first.call('GET', '/audit-events?pageSize=1', asOwner());
  expectGolden('audit-events', page);
  const pageToken = encodeURIComponent(String(fieldOf(page.json, 'nextPageToken')));
  const second = await first.call('GET', `/audit-events?page_token=${pageToken}`, asOwner());
  expect(second.status).toBe(200);
});

it('takes internal calls about devices from nobody outside', async () => {
  const json = { userIds: [owner.userId] };
  const path = '/whispr.device.v1.DeviceService/ListUserDevices';
  const answer = await rest.send({ method: 'POST', path, json });
  expect([answer.status, reasonOf(answer)]).toEqual([404, 'METHOD_UNKNOWN']);
});

function asOwner(): { token: string } {
  return { token: owner.accessToken };
}

/** A further device of the owner. */
function next(): Promise<Kept> {
  return new DeployedApp(rest, { phone: first.phone }).signIn('login');
}
