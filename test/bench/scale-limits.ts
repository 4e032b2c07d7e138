// What the two processes of the scale benchmark agree on, and what both parts of it count.

import { ONED_MS_PER_CALL } from '../support/onegate/oned-calls.ts';

/** What oned does in a second, one call at a time. */
export const ONED_CALLS_PER_SECOND = 1_000 / ONED_MS_PER_CALL;

export type ToZone = { readonly nodes: number } | { readonly over: true };

export interface Asked {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly vm: number | undefined;
  /** Calls to oned that it cost. */
  readonly calls: number;
  readonly status: number | undefined;
  readonly ms: number;
  /** It published for the peers that this node takes part. */
  readonly published: boolean;
}

export type FromZone =
  | { readonly vms: { readonly token: string; readonly context: Readonly<Record<string, string>> }[] }
  | { readonly log: Asked[]; readonly longestQueue: number };

interface Counted {
  readonly at: number;
  /** 1 where left out. */
  readonly weight?: number;
}

/** The most within any `windowMs`, per second. */
export function peakRate(moments: readonly Counted[], windowMs = 1_000): number {
  const sorted = [...moments].sort((a, b) => a.at - b.at);
  let most = 0;
  let inWindow = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    inWindow += sorted[last]!.weight ?? 1;
    for (; sorted[last]!.at - sorted[first]!.at >= windowMs; first++) inWindow -= sorted[first]!.weight ?? 1;
    most = Math.max(most, inWindow);
  }
  return (most * 1_000) / windowMs;
}

/** What requests of a role cost until READY, those of one-context counted in. */
export interface Cost {
  readonly requestsPerNode: { readonly mean: number; readonly most: number };
  readonly calls: number;
}

export function costOf(
  asked: readonly { readonly vm: number | undefined; readonly calls: number }[],
  nodes: number,
): Cost {
  const perNode = new Map<number | undefined, number>();
  for (const { vm } of asked) perNode.set(vm, (perNode.get(vm) ?? 0) + 1);
  return {
    requestsPerNode: { mean: asked.length / nodes, most: Math.max(...perNode.values()) },
    calls: asked.reduce((sum, { calls }) => sum + calls, 0),
  };
}
