// What can have the name of a file, besides the file: what an app, a backup or a mistake could leave there.
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KindOfFile {
  readonly title: string;
  readonly make: (path: string) => void;
  /** What a problem says about it. */
  readonly found: RegExp;
  readonly needsRoot?: boolean;
}

const python = (code: string, ...args: string[]): void =>
  void execFileSync(process.env.PYTHON ?? 'python3', ['-c', code, ...args]);

const link = (target: string) => (path: string) => symlinkSync(target, path);

export const KINDS: readonly KindOfFile[] = [
  { title: 'a directory', make: (path) => void mkdirSync(path), found: /a directory/ },
  {
    title: 'a directory with files',
    make: (path) => {
      mkdirSync(path);
      writeFileSync(join(path, 'file'), 'x');
    },
    found: /a directory/,
  },
  { title: 'a FIFO', make: (path) => void execFileSync('mkfifo', [path]), found: /a FIFO/ },
  {
    title: 'a socket',
    // The path of a socket has at most 107 bytes.
    make: (path) => {
      python(
        'import os, socket, sys\nos.chdir(os.path.dirname(sys.argv[1]))\nsocket.socket(socket.AF_UNIX).bind(os.path.basename(sys.argv[1]))',
        path,
      );
    },
    found: /a socket/,
  },
  {
    title: 'a device without end',
    make: (path) => void execFileSync('mknod', [path, 'c', '1', '5']),
    found: /a device/,
    needsRoot: true,
  },
  { title: 'a link to /dev/zero', make: link('/dev/zero'), found: /a symbolic link/ },
  { title: 'a link to nothing', make: link('/nowhere/at/all'), found: /a symbolic link/ },
  { title: 'a link to itself', make: (path) => symlinkSync(path, path), found: /a symbolic link/ },
  { title: 'a link to a file', make: link('/etc/hostname'), found: /a symbolic link/ },
  {
    title: 'a sparse file of 1 GiB',
    make: (path) => {
      writeFileSync(path, '');
      truncateSync(path, 1024 ** 3);
    },
    found: /1073741824 bytes, more than/,
  },
];
