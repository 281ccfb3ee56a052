import type { DescMessage } from '@bufbuild/protobuf';
import type { TestApp } from './app.ts';
import { bearer } from './client.ts';
import { startDevice } from './link.ts';
import { newNumber, prove, registerPerson } from './person.ts';
import { challengeOf, codeOf, freshenCodes, turnOnTwoFactor } from './two-factor-person.ts';

/** Somebody new, and every value that a request of theirs could rightly hold. */
export interface LivePerson {
  readonly accessToken: string;
  readonly values: readonly string[];
}

/** Takes the trouble of a second factor only where the request has a place for a code. */
export async function livePerson(app: TestApp, input: DescMessage): Promise<LivePerson> {
  const person = await registerPerson(app);
  const { phone, accessToken, refreshToken } = person;
  const device = await startDevice(app);
  const { qrText, challengeId, confirmationNumber } = device.started;
  await app.clients.device.scanLink({ qrText }, bearer(accessToken));
  const { verificationId } = await prove(app, 'login', { phone });
  const ids = [person.userId, person.deviceId, person.sessionId, verificationId];
  const values = [phone, newNumber(), accessToken, refreshToken, ...ids, device.deviceId];
  const link = [challengeId, challengeId, qrText, confirmationNumber];
  const hasCode = input.fields.some(({ localName }) => localName === 'token');
  const factor = hasCode ? await factorValues(app, { ...person, phone }) : [];
  return { accessToken, values: [...values, ...link, ...factor] };
}

async function factorValues(
  app: TestApp,
  person: { phone: string; accessToken: string; userId: string },
): Promise<string[]> {
  const { secret, backupCodes } = await turnOnTwoFactor(app, person);
  const challenge = await challengeOf(app, person.phone);
  await freshenCodes(app, person.userId);
  return [codeOf(secret), codeOf(secret, -1), ...backupCodes.slice(0, 2), challenge, challenge];
}
