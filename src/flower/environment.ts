// INTERIM stand-in until the Flower helper's real one replaces this file.
import { join } from 'node:path';
import type { Paths } from '../host/paths.ts';
import type { Problem } from '../status/problem.ts';
export async function ensureEnvironment(o: {
  wanted: string;
  baked: string;
  framework: string;
  paths: Paths;
  signal?: AbortSignal;
  onWait?: (w: { for: string; until?: Date; check: string }) => void;
}): Promise<{ path: string; version: string; degraded?: Problem }> {
  return { path: join(o.paths.environments, `${o.wanted}-${o.framework}`), version: o.wanted };
}
