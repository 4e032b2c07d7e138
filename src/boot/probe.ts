// The readiness probe runs as a process of its own: it loads the gRPC library while Flower is still importing, and
// takes its 20 MiB away with it when it is done.

import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { run, selfCommand } from '../host/process.ts';

/** Calls `flower-context probe` until the Fleet API answers or the time is up. `caFile` undefined: plaintext. */
export async function probeFleetApi(
  endpoint: HostPort,
  caFile: string | undefined,
  withinMs: number,
  signal: AbortSignal,
): Promise<{ ok: true } | { ok: false; reason: string }> {
  const [program, ...args] = selfCommand();
  const trust = caFile === undefined ? ['--plaintext'] : ['--ca', caFile];
  const wait = String(Math.ceil(withinMs / 1_000));
  const { code, stdout, stderr } = await run(
    program!,
    [...args, 'probe', formatHostPort(endpoint), ...trust, '--wait', wait],
    { timeoutMs: withinMs + 5_000, signal },
  );
  return code === 0
    ? { ok: true }
    : {
        ok: false,
        reason: (stderr.trim() || stdout.trim() || 'the probe ended without a word').split('\n')[0]!,
      };
}
