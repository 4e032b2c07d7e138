// The lock of the agent: one agent per machine. It is a file in a folder in which only root can make a name. A name that
// anybody can take, such as an abstract socket, would let another user keep the agent from starting.
import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Problem } from '../core/problem.ts';
import { describeError, errorCode } from './errno.ts';

const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
/** The status by which flock(1) says that another process has the lock. */
const TAKEN = 75;

/** What `open` says about a name that is no file. */
const OTHER_KIND: Readonly<Record<string, string>> = {
  ELOOP: 'a symbolic link',
  ENXIO: 'a socket',
  EISDIR: 'a folder',
};

/**
 * Takes the lock for the rest of this process; its end gives it back, also a kill. False when another process has it.
 * Throws Problem state_unwritable.
 */
export function takeLock(path: string): boolean {
  const file = open(path);
  // Node.js has no flock(2). The lock belongs to the open file, which flock(1) shares with this process.
  const { status, error } = spawnSync('flock', ['-n', '-E', String(TAKEN), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file],
  });
  if (status === 0) return true;
  closeSync(file);
  if (status === TAKEN) return false;
  const found =
    error === undefined ? `ended with status ${status}` : `does not start: ${describeError(error)}`;
  throw new Problem('state_unwritable', {
    doing: `locking ${path}`,
    found: `the program flock ${found}`,
    remedy: 'check that flock works (package util-linux), then `systemctl restart flower-context`',
  });
}

function open(path: string): number {
  try {
    const file = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
  } catch (error) {
    const found = OTHER_KIND[errorCode(error)];
    if (found !== undefined) throw wrongKind(path, found);
    throw new Problem('state_unwritable', {
      doing: `opening ${path}`,
      found: describeError(error),
      cause: error,
    });
  }
  throw wrongKind(path, 'a FIFO or a device');
}

const wrongKind = (path: string, found: string): Problem =>
  new Problem('state_unwritable', {
    doing: `locking ${path}`,
    found: `it is ${found}`,
    expected: 'a file',
    remedy: `remove it (\`rm -r ${path}\`), then \`systemctl restart flower-context\``,
  });
