import { isHeldBack, isLiving, openSession } from './session-model.ts';
import type { ModelSession, SessionsModel } from './session-model.ts';

/** Rules of QR login, as 04-security states them; no store, no clock. */

const CHALLENGE_SECONDS = 300;
const CODE_SECONDS = 30;
const REISSUES = 5;

type State =
  'waiting' | 'scanned' | 'approved' | 'collecting' | 'declined' | 'completed' | 'killed';

interface Link {
  state: State;
  readonly endsAt: number;
  codeEndsAt: number;
  codesLeft: number;
  scanner: ModelSession | undefined;
  /** Another primary serves now, which may know less than was answered. */
  isVoid: boolean;
  /** Its tokens were handed out: PostgreSQL knows that, whatever Redis says. */
  isCollected: boolean;
}

export interface LinkModel extends SessionsModel {
  readonly links: Link[];
  /** Accounts that were told of a second scan, oldest first. */
  readonly alerts: number[];
}

/** Two accounts with a session each. */
export function newLinkModel(): LinkModel {
  const model = { now: 0, sessions: [], links: [], alerts: [] };
  openSession(model, { account: 0, device: 0 });
  openSession(model, { account: 1, device: 1 });
  return model;
}

export function start(model: LinkModel): void {
  model.links.push({
    state: 'waiting',
    endsAt: model.now + CHALLENGE_SECONDS,
    codeEndsAt: model.now + CODE_SECONDS,
    codesLeft: REISSUES,
    scanner: undefined,
    isVoid: false,
    isCollected: false,
  });
}

/** What everybody who has the id reads. */
export function view(model: LinkModel, link: Link): string {
  if (!isKnown(model, link)) return 'LINK_NOT_FOUND';
  return link.state === 'collecting' ? 'approved' : link.state;
}

export function isKnown({ now }: LinkModel, { isVoid, endsAt }: Link): boolean {
  return !isVoid && now < endsAt;
}

/** A further code, for a signature that names how many are left. */
export function reissue(
  model: LinkModel,
  link: Link,
  signature: { readonly isOwn: boolean; readonly codesLeft: number },
): string {
  if (!isKnown(model, link)) return 'LINK_NOT_FOUND';
  if (!signature.isOwn || signature.codesLeft !== link.codesLeft) return 'LINK_PROOF_INVALID';
  if (isScanned(link)) return 'LINK_STATE_WRONG';
  if (link.state !== 'waiting') return 'LINK_NOT_FOUND';
  if (link.codesLeft === 0) return 'LINK_STATE_WRONG';
  link.codesLeft -= 1;
  link.codeEndsAt = Math.min(model.now + CODE_SECONDS, link.endsAt);
  return 'OK';
}

function isScanned({ state }: Link): boolean {
  return state === 'scanned' || state === 'approved' || state === 'collecting';
}

/** `codesLeft` names the code that is scanned. */
export function scan(
  model: LinkModel,
  link: Link,
  by: { readonly session: ModelSession; readonly codesLeft: number },
): string {
  if (!isLiving(model, by.session)) return 'SIGNED_OUT';
  if (!isKnown(model, link)) return 'LINK_NOT_FOUND';
  if (link.state === 'waiting') {
    const isGood = by.codesLeft === link.codesLeft && model.now < link.codeEndsAt;
    if (!isGood) return 'LINK_EXPIRED';
    link.state = 'scanned';
    link.scanner = by.session;
    return 'OK';
  }
  if (link.scanner && (link.state === 'scanned' || link.state === 'approved')) {
    link.state = 'killed';
    model.alerts.push(link.scanner.account);
  }
  return 'LINK_SCANNED_TWICE';
}

export function approve(
  model: LinkModel,
  link: Link,
  by: { readonly session: ModelSession; readonly isRightNumber: boolean },
): string {
  if (!isLiving(model, by.session)) return 'SIGNED_OUT';
  if (isHeldBack(model, by.session)) return 'STEP_UP_REQUIRED';
  if (!isKnown(model, link)) return 'LINK_NOT_FOUND';
  if (link.scanner !== by.session) return 'LINK_STATE_WRONG';
  if (link.state !== 'scanned') return decided(link);
  link.state = by.isRightNumber ? 'approved' : 'declined';
  return by.isRightNumber ? 'OK' : 'LINK_NUMBER_WRONG';
}

export function decline(model: LinkModel, link: Link, session: ModelSession): string {
  if (!isLiving(model, session)) return 'SIGNED_OUT';
  if (!isKnown(model, link)) return 'LINK_NOT_FOUND';
  if (link.scanner?.account !== session.account) return 'LINK_STATE_WRONG';
  if (link.state !== 'scanned') return decided(link);
  link.state = 'declined';
  return 'OK';
}

function decided(link: Link): string {
  return isScanned(link) ? 'LINK_STATE_WRONG' : 'LINK_NOT_FOUND';
}

/** The tokens, once, for the new device's own key; their session is as young as it is. */
export function complete(
  model: LinkModel,
  link: Link,
  by: { readonly isOwn: boolean; readonly device: number },
): string {
  if (!isKnown(model, link)) return 'LINK_NOT_FOUND';
  if (!by.isOwn) return 'LINK_PROOF_INVALID';
  if (link.state === 'waiting' || link.state === 'scanned') return 'LINK_STATE_WRONG';
  if (link.state !== 'approved' && link.state !== 'collecting') return 'LINK_NOT_FOUND';
  link.state = 'collecting';
  const { scanner, isCollected } = link;
  if (!scanner || !isLiving(model, scanner)) return 'SIGNED_OUT';
  if (isCollected) return 'LINK_NOT_FOUND';
  link.state = 'completed';
  link.isCollected = true;
  openSession(model, { account: scanner.account, device: by.device });
  return 'OK';
}
