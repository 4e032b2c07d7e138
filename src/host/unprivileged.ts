// Flower's own command as a user without rights. It imports the packages of the environment and the package of the app:
// code of others, which root does not run.
import { type ChildProcess, spawn } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { exists, realPath } from './files.ts';
import { ourIds } from './machine.ts';
import { type RunResult, run } from './process.ts';

/** Whether this process can and has to give up its rights for Flower's command. */
export const runsAsAnother = (root: string): boolean =>
  root === '/' && ourIds().uid === 0 && exists('/run/systemd/system');

/**
 * systemd makes the user for this command only: it owns no process and no file. It writes to memory, and to a /tmp that
 * systemd removes. Of /run it sees only name servers: no D-Bus and no state of the agent.
 */
const SANDBOX = [
  'DynamicUser=yes',
  'CapabilityBoundingSet=',
  'TemporaryFileSystem=/run:ro,mode=0755,size=64k /dev/shm:mode=1777,size=16M',
  'BindReadOnlyPaths=-/run/systemd/resolve',
  'InaccessiblePaths=-/run/systemd/resolve/io.systemd.Resolve -/run/systemd/resolve/io.systemd.Resolve.Monitor',
  'InaccessiblePaths=-/context -/var/lib/flower -/var/log',
  'ProtectHome=yes',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectProc=invisible',
  'ProcSubset=pid',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'LockPersonality=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources',
  'SystemCallErrorNumber=EPERM',
  'MemoryMax=50%',
  'TasksMax=512',
  'TimeoutStopSec=5s',
  // Else each start and end of the unit is a line in the journal.
  'LogLevelMax=notice',
];

/** A FAB has at most 10 MB; a folder may also have files that are not for the FAB. */
const SPACE = '256M';

/** The user unpacks what root has read, so root writes nothing that an app could have prepared. */
const UNPACK = 'tar -x -C "$FLWR_HOME" --no-same-owner && exec "$@" </dev/null';

/** Where the command finds the app, below FLWR_HOME. */
const APP = 'app';

interface Sandboxed {
  /** FLWR_HOME: an empty folder in memory, with copies of `files`. */
  readonly home: string;
  /** Files of root; they get their own names. */
  readonly files: readonly string[];
  /** An argument that names this folder names its copy instead. */
  readonly app?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine?: ((line: string, stream: 'stdout' | 'stderr') => void) | undefined;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

let count = 0;

/** Runs a command in the sandbox, like `run`. Its standard input is empty. An abort ends it. */
export async function runAsAnother(
  command: readonly string[],
  { home, files, app, env, ...options }: Sandboxed,
): Promise<RunResult> {
  const unit = `flower-context-submit-${process.pid}-${++count}.service`;
  const properties = [...SANDBOX, `TemporaryFileSystem=${home}:mode=1777,size=${SPACE}`];
  const args = [
    ...['--quiet', '--collect', '--wait', '--pipe', '--service-type=exec', `--unit=${unit}`],
    ...properties.map((property) => `--property=${property}`),
    ...Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`),
    '--',
    // systemd expands variables in the command.
    ...inside(command, home, app).map((argument) => argument.replaceAll('$', '$$$$')),
  ];
  const packed = pack(files, app);
  try {
    return await run('systemd-run', args, { ...options, input: packed.stdout! });
  } finally {
    packed.kill();
    // The end of systemd-run does not end the unit.
    if (options.signal?.aborted || options.timeoutMs !== undefined)
      await run('systemctl', ['stop', '--quiet', unit], { timeoutMs: 30_000 });
  }
}

/** The command line in the sandbox. @internal */
export const inside = (command: readonly string[], home: string, app?: string): string[] => [
  '/bin/sh',
  '-c',
  UNPACK,
  'sh',
  ...command.map((argument) => (argument === app ? `${home}/${APP}` : argument)),
];

/**
 * A tar of the files and of the folder of the app. tar follows no link and waits for no FIFO: the folder may belong to
 * another user, who can change it meanwhile. @internal
 */
export function pack(files: readonly string[], app?: string): ChildProcess {
  const folder = app === undefined ? undefined : (realPath(app) ?? app);
  const args = [
    // The names in the folder begin with a dot. S: not the targets of symbolic links.
    ...['-c', '--transform', `s,^\\.\\(/\\|$\\),${APP}/,S`],
    ...files.flatMap((file) => ['-C', dirname(file), basename(file)]),
    ...(folder === undefined
      ? []
      : ['--exclude=.git', '--exclude=__pycache__', '--exclude=.venv', '-C', folder, '.']),
  ];
  return spawn('tar', args, { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env['PATH'] } });
}
