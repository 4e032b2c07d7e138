// Waits between repeated requests.
import type { Random } from './clock.ts';

/** Between half of `ms` and all of it, so that nodes which started together do not send requests together. */
export const withJitter = (ms: number, random: Random): number => Math.round(ms * (0.5 + random() / 2));

/** The wait after attempt 1, 2, ...: `firstMs`, doubled after each further attempt, at most `maxMs`. */
export const backoff = (attempt: number, firstMs: number, maxMs: number): number =>
  Math.min(maxMs, firstMs * 2 ** (attempt - 1));
