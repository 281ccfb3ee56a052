import { bearer, settle } from '../support/client.ts';
import { provenLogins } from '../support/person.ts';
import { pick } from './command.ts';
import type { World } from './world.ts';

/** The tokens of one session, as a client keeps them. */
export interface Holder {
  readonly userId: string;
  readonly deviceId: string;
  readonly sessionId: string;
  accessToken: string;
  refreshToken: string;
  /** By the world's clock. */
  madeAt: number;
}

type Tokens = { readonly [Field in keyof Holder]?: Holder[Field] | undefined };

export function holderOf(world: World, tokens: Tokens): Holder {
  const { userId = '', deviceId = '', sessionId = '' } = tokens;
  const { accessToken = '', refreshToken = '' } = tokens;
  const madeAt = world.laterSeconds();
  return { userId, deviceId, sessionId, accessToken, refreshToken, madeAt };
}

/** The holder of one of the model's sessions. */
export function holderIn(
  { holders }: { readonly holders: readonly Holder[] },
  { index }: { readonly index: number },
): Holder {
  return pick(holders, index);
}

/** Long before an access token ends. */
const OLD_SECONDS = 300;

/** Refreshes tokens that are about to end, as every client does; says whether it had to and could. */
export async function keepFresh(world: World, holder: Holder): Promise<boolean> {
  if (world.laterSeconds() - holder.madeAt < OLD_SECONDS) return false;
  return refresh(world, holder);
}

/** Says whether the session still lives. */
export async function refresh(world: World, holder: Holder): Promise<boolean> {
  const { refreshToken } = holder;
  const answer = await settle(world.app.clients.auth.refreshTokens({ refreshToken }));
  if (answer.status === 'refused') return false;
  Object.assign(holder, holderOf(world, answer.value));
  return true;
}

/** What the holder sends with a call. */
export async function bearerOf(world: World, holder: Holder): Promise<ReturnType<typeof bearer>> {
  await keepFresh(world, holder);
  return bearer(holder.accessToken);
}

/** A login with a number that is proven already; without keys. */
export async function provenLogin(
  world: World,
  entrant: { readonly phone: string; readonly deviceId: string },
) {
  const { phone, deviceId } = entrant;
  const [verificationId = ''] = await provenLogins(world.app, phone, 1);
  return settle(world.app.clients.auth.login({ verificationId, deviceId, deviceType: 'web' }));
}

/** One session vouches for another. */
export async function approveStepUp(world: World, senior: Holder, { sessionId }: Holder) {
  const as = await bearerOf(world, senior);
  return settle(world.app.clients.auth.approveStepUp({ sessionId }, as));
}
