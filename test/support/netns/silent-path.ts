// Two "machines" and a router between them, each a network namespace, and a path that can go silent: the router then
// drops what it should forward, both ways, without any error for the endpoints, as with a dead switch or a NAT that forgot.
import { run } from '../../../src/host/process.ts';

export interface Machine {
  readonly address: string;
  /** Words before a program, to run it on this machine. */
  readonly prefix: readonly string[];
}

export interface SilentPath {
  readonly left: Machine;
  readonly right: Machine;
  cut(): Promise<void>;
  restore(): Promise<void>;
  /** Established TCP connections to a port, as the machine sees them: `local address:port` of each. */
  connections(on: Machine, port: number): Promise<string[]>;
  remove(): Promise<void>;
}

/** Why namespaces cannot be used here; undefined when they can. */
export async function noNamespaces(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces';
  for (const program of ['ip', 'nft', 'ss']) {
    const { failedToStart } = await run(program, ['-V']);
    if (failedToStart !== undefined) return `needs the program ${program} (packages iproute2, nftables)`;
  }
  const name = `fc-try-${process.pid}`;
  const { code, stderr } = await run('ip', ['netns', 'add', name]);
  if (code !== 0) return `this machine does not allow network namespaces: ${stderr.trim()}`;
  const nft = await run('ip', ['netns', 'exec', name, 'nft', 'add', 'table', 'inet', 'try']);
  await run('ip', ['netns', 'delete', name]);
  return nft.code === 0 ? undefined : `this kernel has no nftables: ${nft.stderr.trim()}`;
}

let serial = 0;

/** Makes the machines. Addresses repeat from path to path: nothing leaves the namespaces. */
export async function makeSilentPath(): Promise<SilentPath> {
  const tag = `fc${process.pid}-${serial++}`;
  const [left, router, right] = [`${tag}-l`, `${tag}-r`, `${tag}-n`];
  const remove = async (): Promise<void> => {
    for (const name of [left, router, right]) await run('ip', ['netns', 'delete', name]);
  };
  try {
    for (const name of [left, router, right]) {
      await ip('netns', 'add', name);
      await ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    await wire(router, 'left', '10.235.1.1', left, '10.235.1.2');
    await wire(router, 'right', '10.235.2.1', right, '10.235.2.2');
    await must('ip', 'netns', 'exec', router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    await nft(router, 'add table inet path');
    await nft(router, 'add chain inet path forward { type filter hook forward priority 0; }');
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    left: { address: '10.235.1.2', prefix: ['ip', 'netns', 'exec', left] },
    right: { address: '10.235.2.2', prefix: ['ip', 'netns', 'exec', right] },
    cut: () => nft(router, 'add rule inet path forward drop'),
    restore: () => nft(router, 'flush chain inet path forward'),
    connections: async ({ prefix }, port) => {
      const filter = ['state', 'established', `( dport = :${port} or sport = :${port} )`];
      const { stdout } = await run(prefix[0]!, [...prefix.slice(1), 'ss', '-tnH', ...filter]);
      return stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[2] ?? []);
    },
    remove,
  };
}

async function wire(
  router: string,
  name: string,
  gateway: string,
  machine: string,
  address: string,
): Promise<void> {
  await ip('-n', router, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', machine);
  await ip('-n', router, 'address', 'add', `${gateway}/24`, 'dev', name);
  await ip('-n', machine, 'address', 'add', `${address}/24`, 'dev', 'eth0');
  await ip('-n', router, 'link', 'set', name, 'up');
  await ip('-n', machine, 'link', 'set', 'eth0', 'up');
  await ip('-n', machine, 'route', 'add', 'default', 'via', gateway);
}

const ip = (...args: string[]): Promise<void> => must('ip', ...args);
const nft = (namespace: string, rule: string): Promise<void> =>
  must('ip', 'netns', 'exec', namespace, 'nft', rule);

async function must(command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
}
