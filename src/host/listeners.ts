// The processes that listen on TCP ports of this machine, from `ss`.
import { plain } from '../core/text.ts';
import { readText } from './files.ts';
import { run } from './process.ts';

export interface Listener {
  /** Without brackets; 0.0.0.0 and :: for all addresses. */
  readonly host: string;
  readonly port: number;
  readonly program: string | undefined;
  /** Empty without permission: only root sees the processes of other users. */
  readonly pids: readonly number[];
}

/** All TCP listeners; undefined when `ss` is not installed or fails. */
export async function listeners(): Promise<readonly Listener[] | undefined> {
  const { code, stdout } = await run('ss', ['-H', '-l', '-t', '-n', '-p'], { timeoutMs: 4_000 });
  return code === 0 ? stdout.split('\n').flatMap(parseListener) : undefined;
}

/** LISTEN 0 128 127.0.0.1:9093 0.0.0.0:* users:(("python3",pid=123,fd=7)) */
function parseListener(line: string): Listener[] {
  const [, , , local = '', , ...users] = line.trim().split(/\s+/);
  const [, address, port] = /^(.*):(\d+)$/.exec(local) ?? [];
  if (address === undefined || port === undefined) return [];
  // gRPC opens IPv6 sockets for IPv4 addresses, too.
  const host = address
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=[\d.]+$)/, '');
  const owners = users.join(' ');
  // A process chooses its own name.
  const program = /\(\("([^"]*)"/.exec(owners)?.[1];
  return [
    {
      host: host === '*' ? '::' : host,
      port: Number(port),
      program: program && plain(program, 40),
      pids: [...owners.matchAll(/pid=(\d+)/g)].map(([, pid]) => Number(pid)),
    },
  ];
}

/** Whether `pid` is `ancestor` or one of its descendants. */
export function descendsFrom(pid: number, ancestor: number): boolean {
  for (let at = pid, steps = 0; at > 1 && steps < 64; steps++) {
    if (at === ancestor) return true;
    const parent = /^PPid:\s+(\d+)$/m.exec(readText(`/proc/${at}/status`) ?? '')?.[1];
    if (parent === undefined) return false;
    at = Number(parent);
  }
  return false;
}
