// Flower's own command `flwr` on the VM of a SuperLink: how it reaches the Control API, and which runs it lists.
import { join } from 'node:path';
import * as z from 'zod';
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { parseJson } from '../core/json.ts';
import { plain, textLines } from '../core/text.ts';
import { ensureFolder, exists, readText, realPath, writeAtomic } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import type { Paths } from '../host/paths.ts';
import { run } from '../host/process.ts';
import { runAsAnother, runsAsAnother } from '../host/unprivileged.ts';
import { commandPath } from './directories.ts';
import { dialable, type FlowerEndpoints } from './endpoints.ts';
import { formatToml } from './toml.ts';

/** The name of the connection in config.toml; without a dot. */
export const CONNECTION = 'this-vm';

/**
 * config.toml for `flwr`: the Control API of this SuperLink as this VM reaches it. `ca`: file of the CA that signed its
 * certificate; undefined in plaintext. @internal
 */
export function connectionToml(control: HostPort, ca: string | undefined, loopback: string): string {
  const address = formatHostPort(dialable(control, loopback));
  return [
    '[superlink]\n',
    formatToml([['default', CONNECTION]]),
    `\n[superlink.${CONNECTION}]\n`,
    formatToml([['address', address], ca === undefined ? ['insecure', true] : ['root-certificates', ca]]),
  ].join('');
}

/** The environment of Flower's commands. Nothing comes from the caller: its proxy settings would break calls to loopback. */
export const flwrEnvironment = ({
  environment,
  flwrHome: home,
}: Pick<Paths, 'environment' | 'flwrHome'>): Record<string, string> => ({
  PATH: commandPath(environment),
  HOME: home,
  FLWR_HOME: home,
  FLWR_TELEMETRY_ENABLED: '0',
  FLWR_DISABLE_UPDATE_CHECK: '1',
  LANG: 'C.UTF-8',
  COLUMNS: '200',
  PYTHONUNBUFFERED: '1',
});

/** Writes what Flower's command reads in FLWR_HOME, for any user, and returns the files. */
export function writeConnection(
  { paths, host }: Pick<Machine, 'paths' | 'host'>,
  { listeners, tls }: Extract<FlowerEndpoints, { role: 'superlink' }>,
): string[] {
  const home = paths.flwrHome;
  ensureFolder(home, { mode: 0o755 });
  const config = join(home, 'config.toml');
  const access = { mode: 0o644, durable: false };
  // A copy: only root and Flower enter the folder of keys.
  const ca = join(home, 'ca.pem');
  writeAtomic(ca, tls === null ? '' : (readText(tls.loopback.ca) ?? ''), access);
  writeAtomic(
    config,
    connectionToml(listeners.control, tls === null ? undefined : ca, host.loopback),
    access,
  );
  // `flwr log` and `flwr stop` write it when it is missing, which the user of the printed commands cannot.
  const credentials = join(home, 'credentials.yaml');
  if (!exists(credentials)) writeAtomic(credentials, '{}\n', access);
  return [config, ca];
}

const runs = z.lazy(() =>
  z.object({
    runs: z.array(z.object({ 'run-id': z.union([z.string(), z.number()]), status: z.string() })),
  }),
);

/** With --format json also an error is JSON on stdout, with status 0: docs/facts.md, "flwr-list". */
const failure = z.lazy(() => z.object({ 'error-message': z.string() }));

/** A command of Flower imports for seconds, and for a minute on a busy VM. */
export const LIST_WITHIN_MS = 90_000;
/** A run has half a kilobyte. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * The run that is active on this SuperLink (pending, starting or running), as a clause; undefined when none is. `unknown`:
 * why that is not known. Asks Flower: a process that costs 1.4 s of a processor and 100 MiB of memory.
 */
export async function activeRun(
  machine: Pick<Machine, 'paths' | 'host'>,
  endpoints: Extract<FlowerEndpoints, { role: 'superlink' }>,
  signal: AbortSignal,
): Promise<{ readonly active: string | undefined } | { readonly unknown: string }> {
  const { environment: link, flwrHome: home, root } = machine.paths;
  const files = writeConnection(machine, endpoints);
  const apart = runsAsAnother(root);
  // The link is not visible in the sandbox.
  const environment = (apart ? realPath(link) : undefined) ?? link;
  const command = [join(environment, 'bin/flwr'), 'list', CONNECTION, '--format', 'json'] as const;
  const env = flwrEnvironment({ environment, flwrHome: home });
  const options = { env, signal, timeoutMs: LIST_WITHIN_MS, maxBytes: MOST_BYTES };
  const [program, ...args] = command;
  const result = apart
    ? await runAsAnother(command, { ...options, home, files })
    : await run(program, args, options);
  const { code, stdout, stderr, failedToStart, timedOut } = result;
  const listed = code === 0 ? parseJson(stdout.slice(stdout.indexOf('{')), runs)?.runs : undefined;
  if (listed !== undefined) {
    const found = listed.find(({ status }) => !status.startsWith('finished'));
    return { active: found && `run ${plain(String(found['run-id']), 40)} is ${plain(found.status, 40)}` };
  }
  const error = parseJson(stdout.slice(stdout.indexOf('{')), failure)?.['error-message'];
  const said = textLines(error ?? stderr).at(-1) ?? textLines(stdout).at(-1);
  const why = failedToStart ?? (timedOut ? `no answer within ${LIST_WITHIN_MS / 1_000} s` : said);
  return { unknown: `\`flwr list\`: ${plain(why ?? `it ended with status ${code}`)}` };
}
