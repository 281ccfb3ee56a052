import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeployedApp, reasonOf } from './deployed-app.ts';
import { expectGolden } from './golden.ts';
import { startRest } from './rest.ts';
import type { Rest } from './rest.ts';

describe.each([
  ['hidden', 'false'],
  ['revealed', 'true'],
] as const)('where accounts are %s', (word, reveal) => {
  let rest: Rest;
  let owner: DeployedApp;

  beforeAll(async () => {
    rest = await startRest({ KEY_SIGNATURE_POLICY: 'legacy', REVEAL_ACCOUNT_EXISTENCE: reveal });
    owner = new DeployedApp(rest);
    await owner.signIn('register');
  });

  afterAll(async () => {
    await rest.stop();
  });

  it('answers a registration request for a known number', async () => {
    const answer = await new DeployedApp(rest, { phone: owner.phone }).request('register');
    expectGolden(`reveal/${word}-register-known`, answer);
  });

  it('answers a login request for an unknown number', async () => {
    expectGolden(`reveal/${word}-login-unknown`, await new DeployedApp(rest).request('login'));
  });

  it('answers requests for the right numbers alike', async () => {
    expectGolden('verify-request', await new DeployedApp(rest).request('register'));
    const login = await new DeployedApp(rest, { phone: owner.phone }).request('login');
    expectGolden('verify-request', login);
  });
});

describe('where accounts are hidden', () => {
  it('tells only after proof, and leaves the verification unspent', async () => {
    const rest = await startRest({ KEY_SIGNATURE_POLICY: 'legacy' });
    try {
      const stranger = new DeployedApp(rest);
      const verificationId = await stranger.prove('login');
      const answer = await stranger.enter('login', verificationId);
      expectGolden('error/ACCOUNT_NOT_FOUND', answer);
      expect(reasonOf(await stranger.enter('login', verificationId))).toBe('ACCOUNT_NOT_FOUND');
    } finally {
      await rest.stop();
    }
  });
});
