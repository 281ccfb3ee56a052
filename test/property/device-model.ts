import { isElder, isHeldBack, isJunior, isLiving, openSession, touch } from './session-model.ts';
import type { ModelSession, SessionsModel } from './session-model.ts';

/** Rules of the devices of one account, as 04-security states them; no store, no clock. */

export const DEVICE_CAP = 10;
const REPLACEABLE_SECONDS = 7 * 86_400;

/** When something was used, and after how many other uses. */
interface Use {
  readonly at: number;
  readonly count: number;
}

interface Device {
  name: string;
  /** It signed in and was not removed since. */
  isKnown: boolean;
  /** Whose keys stand with it. */
  identity: number | undefined;
  lastLogin: Use;
}

export interface DeviceModel extends SessionsModel {
  /** By the order in which their ids were first named; an id may never have signed in. */
  readonly devices: Device[];
  /** Last uses of the sessions. */
  readonly lastUses: Use[];
  uses: number;
  /** How many devices were removed. */
  removals: number;
}

/** The account's first device has just registered it. */
export function newDeviceModel(ids: number): DeviceModel {
  const model = { now: 0, sessions: [], devices: [], lastUses: [], uses: 0, removals: 0 };
  for (let id = 0; id < ids; id += 1) nameDevice(model);
  enter(model, 0, { name: 'First device', identity: 0 });
  return model;
}

function nameDevice(model: DeviceModel): number {
  const lastLogin = { at: 0, count: 0 };
  return model.devices.push({ name: '', isKnown: false, identity: undefined, lastLogin }) - 1;
}

export interface Entrant {
  readonly device: number;
  /** Whose keys it brings. */
  readonly identity: number;
  readonly name: string;
  readonly replace?: number | undefined;
}

export type Entered =
  | { readonly answer: 'OK'; readonly device: number }
  | { readonly answer: 'DEVICE_LIMIT' | 'DEVICE_NOT_FOUND' | 'DEVICE_NOT_REPLACEABLE' };

/** A login with a proven number. Another's keys under an id that is in use get an id of their own. */
export function logIn(model: DeviceModel, entrant: Entrant): Entered {
  const isOther = model.devices[entrant.device]?.identity !== entrant.identity;
  if (needsPlace(model, entrant.device, isOther)) {
    if (entrant.replace === undefined) return { answer: 'DEVICE_LIMIT' };
    if (!isInUse(model, entrant.replace)) return { answer: 'DEVICE_NOT_FOUND' };
    if (!isReplaceable(model, entrant.replace)) return { answer: 'DEVICE_NOT_REPLACEABLE' };
    remove(model, entrant.replace);
  }
  const isTaken = isInUse(model, entrant.device) && isOther;
  const device = isTaken ? nameDevice(model) : entrant.device;
  enter(model, device, entrant);
  return { answer: 'OK', device };
}

function needsPlace(model: DeviceModel, device: number, isOther: boolean): boolean {
  const isAddition = !isInUse(model, device) || isOther;
  return isAddition && devicesInUse(model).length >= DEVICE_CAP;
}

function enter(model: DeviceModel, index: number, entrant: Pick<Entrant, 'name' | 'identity'>) {
  const device = model.devices[index];
  if (!device) throw new Error('There is no such device');
  if (!isInUse(model, index)) device.identity = entrant.identity;
  device.name = entrant.name;
  device.isKnown = true;
  device.lastLogin = use(model, openSession(model, { account: 0, device: index }));
}

function use(model: DeviceModel, session: ModelSession): Use {
  model.uses += 1;
  const lastUse = { at: model.now, count: model.uses };
  model.lastUses[session.index] = lastUse;
  return lastUse;
}

/** The last login on a device, or the last use of a session that lives there. */
function lastUseOf(model: DeviceModel, device: number): Use {
  const living = model.sessions.filter((of) => of.device === device && isLiving(model, of));
  const uses = [
    model.devices[device]?.lastLogin,
    ...living.map(({ index }) => model.lastUses[index]),
  ];
  const none = { at: 0, count: 0 };
  return uses.reduce<Use>((last, one) => (one && one.count > last.count ? one : last), none);
}

/** It has a living session. */
export function isInUse(model: DeviceModel, device: number): boolean {
  return model.sessions.some((session) => session.device === device && isLiving(model, session));
}

/** Last used first. */
export function devicesInUse(model: DeviceModel): number[] {
  return [...model.devices.keys()]
    .filter((index) => isInUse(model, index))
    .sort((one, other) => lastUseOf(model, other).count - lastUseOf(model, one).count);
}

export function isReplaceable(model: DeviceModel, device: number): boolean {
  return model.now - lastUseOf(model, device).at >= REPLACEABLE_SECONDS;
}

function remove(model: DeviceModel, index: number): void {
  for (const session of model.sessions) if (session.device === index) session.isRevoked = true;
  const device = model.devices[index];
  if (device) Object.assign(device, { isKnown: false, identity: undefined });
  model.removals += 1;
}

export function refresh(model: DeviceModel, session: ModelSession): string {
  if (!isLiving(model, session)) return 'SIGNED_OUT';
  touch(model, session);
  use(model, session);
  return 'OK';
}

export function rename(model: DeviceModel, by: ModelSession, to: [number, string]): string {
  const [device, name] = to;
  if (!isLiving(model, by)) return 'SIGNED_OUT';
  const row = model.devices[device];
  if (!row?.isKnown) return 'DEVICE_NOT_FOUND';
  row.name = name;
  return 'OK';
}

/** A young session removes what is younger, and its own device if nothing older is on it. */
export function revokeDevice(model: DeviceModel, by: ModelSession, device: number): string {
  if (!isLiving(model, by)) return 'SIGNED_OUT';
  if (!model.devices[device]?.isKnown) return 'DEVICE_NOT_FOUND';
  const onIt = model.sessions.filter((session) => session.device === device);
  if (isBelow(model, by, onIt)) return 'STEP_UP_REQUIRED';
  remove(model, device);
  return 'OK';
}

/** Says how many, or why not. */
export function revokeOthers(model: DeviceModel, by: ModelSession): string {
  if (!isLiving(model, by)) return 'SIGNED_OUT';
  if (isHeldBack(model, by)) return 'STEP_UP_REQUIRED';
  const others = devicesInUse(model).filter((device) => device !== by.device);
  for (const device of others) remove(model, device);
  return `OK ${others.length}`;
}

export function revokeSession(model: DeviceModel, by: ModelSession, target: ModelSession): string {
  if (!isLiving(model, by)) return 'SIGNED_OUT';
  if (!isLiving(model, target)) return 'SESSION_NOT_FOUND';
  if (isBelow(model, by, [target])) return 'STEP_UP_REQUIRED';
  return logOut(model, target);
}

/** A device keeps its row and its place in the history, but no keys, once nobody is signed in on it. */
export function logOut(model: DeviceModel, session: ModelSession): string {
  if (!isLiving(model, session)) return 'SIGNED_OUT';
  session.isRevoked = true;
  const device = model.devices[session.device];
  if (device && !isInUse(model, session.device)) device.identity = undefined;
  return 'OK';
}

/** Junior, where one of `targets` lives and is older. */
function isBelow(model: DeviceModel, by: ModelSession, targets: readonly ModelSession[]): boolean {
  return isJunior(model, by) && targets.some((target) => isElder(model, target, by));
}
