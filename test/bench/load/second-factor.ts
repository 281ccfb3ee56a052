import { createClient, ConnectError } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { TOTP } from 'otpauth';
import { AuthService } from '../../../gen/whispr/auth/v1/auth_service_pb.ts';
import { TwoFactorChallengeSchema } from '../../../gen/whispr/auth/v1/two_factor_pb.ts';
import type { Inbox } from './inbox.ts';
import type { GuardedPerson } from './messages.ts';

export type AuthClient = Client<typeof AuthService>;

/**
 * A client that can read the details of a refusal, where the challenge stands. It costs far more than
 * the prepared frames of the other scenarios, in a process of its own and for slow calls.
 */
export function authClient(port: number): AuthClient {
  return createClient(AuthService, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }));
}

/** The code by SMS, its check, the login that asks for more, and the authenticator's code. */
export async function signInGuarded(
  { client, inbox }: { readonly client: AuthClient; readonly inbox: Inbox },
  person: GuardedPerson,
): Promise<boolean> {
  const { phone, deviceId, address, secret } = person;
  const options = { headers: { 'x-auth-client-ip': address } };
  const sent = await client.requestLoginVerification({ phoneNumber: phone }, options);
  const { verificationId } = sent;
  await client.confirmLoginVerification({ verificationId, code: inbox.take(phone) }, options);
  const device = { verificationId, deviceId, deviceName: 'bench', deviceType: 'web' };
  const challenge = await client.login(device, options).then(() => undefined, challengeOf);
  if (challenge === undefined) return false;
  const token = new TOTP({ secret }).generate();
  const entered = await client.verifyTwoFactor({ challenge, token }, options);
  return entered.accessToken !== undefined;
}

function challengeOf(error: unknown): string | undefined {
  return ConnectError.from(error).findDetails(TwoFactorChallengeSchema)[0]?.challenge;
}
