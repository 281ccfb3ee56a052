import type { Read } from './read.ts';

/** One variable. Without a fallback it is required; `NAME_FILE` is accepted for every one. */
export interface Setting<T> {
  readonly name: string;
  readonly read: Read<T>;
  readonly meaning: string;
  readonly fallback: { readonly value: T } | undefined;
  readonly productionFallback: { readonly value: T } | undefined;
  readonly secret: boolean;
}

export function required<T>(name: string, read: Read<T>, meaning: string): Setting<T> {
  return {
    name,
    read,
    meaning,
    fallback: undefined,
    productionFallback: undefined,
    secret: false,
  };
}

export function setting<T>(name: string, read: Read<T>, fallback: T, meaning: string): Setting<T> {
  const value = { value: fallback };
  return {
    name,
    read,
    meaning,
    fallback: value,
    productionFallback: value,
    secret: false,
  };
}

export function optional<T>(name: string, read: Read<T>, meaning: string): Setting<T | undefined> {
  const value = { value: undefined };
  return {
    name,
    read,
    meaning,
    fallback: value,
    productionFallback: value,
    secret: false,
  };
}

export function hidden<T>(plain: Setting<T>): Setting<T> {
  return { ...plain, secret: true };
}

/** The default holds in development and test; in production another one does. */
export function safeInProduction<T>(plain: Setting<T>, value: T): Setting<T> {
  return { ...plain, productionFallback: { value } };
}

export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
