// Calls the Fleet API of this SuperLink in a process of its own, until it answers.
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { plain } from '../core/text.ts';
import { NO_ANSWER_YET } from '../flower/probe.ts';
import type { Transport } from '../flower/profiles.ts';
import { tryConnect } from '../host/net.ts';
import { run, selfCommand } from '../host/process.ts';

interface Waiting {
  readonly signal: AbortSignal;
  /** Called with each reason why there is no answer yet. */
  onReason(why: string): void;
}

/** How much later than its limit a probe may end: it has to start, and its last try has two limits of 5 s. */
const LAST_TRY_MS = 20_000;

/**
 * Calls `flower-context probe` until the Fleet API answers; otherwise returns why it does not. `caFile` undefined:
 * plaintext. A process of its own loads the gRPC library while Flower is still importing, and frees its 20 MiB again.
 * Throws the signal's reason when aborted.
 */
export async function probeFleetApi(
  endpoint: HostPort,
  caFile: string | undefined,
  transport: Transport,
  { withinMs, ...waiting }: Waiting & { readonly withinMs: number },
): Promise<string | undefined> {
  const trust = caFile === undefined ? ['--plaintext'] : ['--ca', caFile];
  const wait = String(withinMs / 1_000);
  const how = ['--transport', transport, '--wait', wait];
  const command = [...selfCommand(), 'probe', formatHostPort(endpoint), ...trust, ...how];
  return runProbe(command, { limitMs: withinMs + LAST_TRY_MS, ...waiting });
}

/**
 * Runs a probe until it ends, or to `limitMs`. Undefined: it was answered. Else the reason, which is the last one that it
 * has printed.
 * @internal
 */
export async function runProbe(
  [program, ...args]: readonly string[],
  { limitMs, onReason, signal }: Waiting & { readonly limitMs: number },
): Promise<string | undefined> {
  let last: string | undefined;
  const onLine = (line: string): void => {
    const why = line.split(NO_ANSWER_YET, 2)[1];
    if (why === undefined) return;
    last = plain(why);
    onReason(last);
  };
  const {
    code,
    signal: by,
    failedToStart,
    stdout,
    stderr,
  } = await run(program!, args, {
    timeoutMs: limitMs,
    signal,
    onLine,
  });
  // A program that was aborted has ended as well, which says nothing about the Fleet API.
  signal.throwIfAborted();
  if (code === 0) return undefined;
  if (last !== undefined) return `it does not answer as a Fleet API: ${last}`;
  return (
    plain(stderr) || plain(stdout) || `the probe ended without a reason (${failedToStart ?? by ?? code})`
  );
}

/**
 * The IPv6 address of the Fleet API, if it accepts connections: another address of the VM than the one that was called, at the
 * same listener and in the same certificate. Otherwise the problem, and undefined.
 */
export async function ifItAnswers(
  { host, port }: HostPort,
  warn: (problem: Problem) => void,
): Promise<HostPort | undefined> {
  const why = await tryConnect(host, port, 3_000);
  if (why === undefined) return { host, port };
  warn(
    new Problem('superlink_unreachable', {
      doing: `connecting to the Fleet API at ${formatHostPort({ host, port })}`,
      found: `${why}; the address is not published, and SuperNodes without IPv4 cannot connect`,
      remedy: 'check the IPv6 address of this VM (`ip -6 address`), then `systemctl reload flower-context`',
    }),
  );
  return undefined;
}
