import { BlockList, isIP } from 'node:net';
import type { KeyedSecret } from '../platform/digest.ts';
import { Secret } from '../platform/secret.ts';

/** Turns the text of a variable into its value, or throws an Error that says what it should be. */
export type Read<T> = (text: string) => T;

export const text: Read<string> = (raw) => raw;

export const secret: Read<Secret<string>> = (raw) => new Secret(raw);

export const flag: Read<boolean> = (raw) => {
  if (raw === 'true') return true;
  if (raw === 'false') return false;
  throw new Error('must be true or false');
};

/** A comma-separated list; blanks around entries and empty entries are dropped. */
export const list: Read<string[]> = (raw) =>
  raw
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** A whole number in a range that includes both ends. */
export function integer(min: number, max: number): Read<number> {
  return (raw) => {
    if (raw.startsWith('tcp://')) {
      throw new Error('is a Kubernetes service link, not a number; set enableServiceLinks: false');
    }
    const value = Number(raw);
    if (!/^-?\d+$/.test(raw) || value < min || value > max) {
      throw new Error(`must be a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** A comma-separated list of whole numbers, each in the range. */
export function integers(min: number, max: number): Read<number[]> {
  const one = integer(min, max);
  return (raw) => {
    const values = list(raw).map(one);
    if (values.length === 0) throw new Error('must name at least one number');
    return values;
  };
}

export function oneOf<const T extends string>(values: readonly T[]): Read<T> {
  return (raw) => {
    const found = values.find((value) => value === raw);
    if (found === undefined) throw new Error(`must be one of ${values.join(', ')}`);
    return found;
  };
}

export interface Weighted<T> {
  readonly name: T;
  /** 0 = none was given. */
  readonly weight: number;
}

/** `name` or `name:weight`, separated by commas, each name once. */
export function weighted<const T extends string>(names: readonly T[]): Read<Weighted<T>[]> {
  const one = oneOf(names);
  const weight = integer(1, 100);
  return (raw) => {
    const entries = list(raw).map((entry) => {
      const [name = '', share] = entry.split(':', 2);
      return { name: one(name), weight: share === undefined ? 0 : weight(share) };
    });
    const isRepeated = new Set(entries.map(({ name }) => name)).size < entries.length;
    if (isRepeated) throw new Error('names one twice');
    return entries;
  };
}

/** Text of a form that `meant` says in words. */
export function matching(form: RegExp, meant: string): Read<string> {
  return (raw) => {
    if (!form.test(raw)) throw new Error(`must be ${meant}`);
    return raw;
  };
}

export const url: Read<string> = (raw) => {
  if (!URL.canParse(raw)) throw new Error('must be a URL');
  return raw.replace(/\/$/, '');
};

/** CIDR blocks, `10.0.0.0/8, ::1/128`. */
export const cidrs: Read<BlockList> = (raw) => {
  const blocks = new BlockList();
  for (const entry of list(raw)) {
    const [address = '', prefix = ''] = entry.split('/');
    const family = isIP(address);
    if (family === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) {
      throw new Error(`must be a list of CIDR blocks; '${entry}' is none`);
    }
    blocks.addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
  }
  return blocks;
};

/** `kid:base64, kid:base64`, newest first; every key has 32 bytes. */
export const keySet: Read<Secret<[KeyedSecret, ...KeyedSecret[]]>> = (raw) => {
  const keys = list(raw).map((entry) => {
    const [kid = '', encoded = ''] = entry.split(':');
    const key = Buffer.from(encoded, 'base64');
    if (!/^[\w.-]{1,32}$/.test(kid) || key.length !== 32) {
      throw new Error('must be kid:base64 pairs of 32-byte keys, newest first');
    }
    return { kid, key };
  });
  const [newest, ...older] = keys;
  if (!newest) throw new Error('must name at least one key');
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) throw new Error('names a kid twice');
  return new Secret([newest, ...older]);
};
