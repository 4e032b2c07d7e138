// What the two processes of the scale benchmark agree on, and what both parts of it count.

/** oned: 15 requests at a time (MAX_CONN), 30 ms each; an extended reading looks every VM up, at 5 ms (GET /vm: 3 calls in 19 ms). */
export const ONED = { concurrent: 15, ms: 30, lookupMs: 5 };
/** What that is a second, when nothing else is asked. */
export const ONED_PER_SECOND = (ONED.concurrent * 1_000) / ONED.ms;

export type ToZone = { readonly nodes: number } | { readonly over: true };

export interface Asked {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly vm: number | undefined;
  readonly what: string;
  readonly status: number | undefined;
  readonly ms: number;
  /** It told the peers that this node takes part. */
  readonly published: boolean;
}

export type FromZone =
  | { readonly vms: { readonly token: string; readonly context: Readonly<Record<string, string>> }[] }
  | { readonly log: Asked[]; readonly longestQueue: number };

/** The most of these moments (ms) within any `windowMs`, per second. */
export function peakRate(moments: readonly number[], windowMs = 1_000): number {
  const sorted = [...moments].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while (sorted[last]! - sorted[first]! >= windowMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return (most * 1_000) / windowMs;
}
