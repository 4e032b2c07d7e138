// The layer-2 network of the guests: a bridge in the private namespace that private.sh made.
import { execFileSync } from 'node:child_process';

export const BRIDGE = 'fcvm0';
/** Where a hypervisor's proxy puts OneGate: link-local, reached without a route to the front-end. */
export const ONEGATE = { address: '169.254.16.9', port: 5030 };
/** What OpenNebula would lease to the guests. */
export const LAN = { name: 'fcvm', first: '172.16.100.10', gateway: '172.16.100.1', dns: '172.16.100.1' };

const ip = (...args: string[]): void => {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
};

/** Names stay until the namespace is gone, and each test file is a process of its own in it. */
const ours = process.pid.toString(36);
let links = 0;

/** A tap device on the bridge, for a VM. @returns its name */
export function addTap(): string {
  const name = `fcvm-t${ours}-${links++}`;
  ip('tuntap', 'add', name, 'mode', 'tap');
  ip('link', 'set', name, 'master', BRIDGE, 'up');
  return name;
}

/** A network namespace with one card, eth0; for a container. @returns its path, and its card's name on the bridge */
export function addNamespace(mac: string): { path: string; link: string } {
  const name = `fcvm-n${ours}-${links}`;
  const outer = `fcvm-v${ours}-${links++}`;
  ip('netns', 'add', name);
  ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'address', mac, 'netns', name);
  ip('link', 'set', outer, 'master', BRIDGE);
  return { path: `/run/netns/${name}`, link: outer };
}

/** Nothing passes between a guest and the others until it is plugged in again. */
export const unplug = (link: string): void => ip('link', 'set', link, 'down');
export const plugIn = (link: string): void => ip('link', 'set', link, 'up');

export function isPrivate(): boolean {
  return process.env.FCVM === 'inside';
}
