// The system calls of the agent over a whole life. It is root, and Flower's directories belong to Flower: whoever can write
// there can put a symbolic link at any name. So the agent uses no name below them.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { until } from '../support/zone/process.ts';
import { zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

const canTrace = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;
/** Calls that take a path; those that list or change what was opened, with its path. */
const CALLS = '%file,getdents64,fchmod,fchown,ftruncate';

const log = (vm: Vm): string => vm.at('calls.log');

/** The agent and its children run under strace; -D: systemd sees the process of the agent. */
function traced(vm: Vm): void {
  const wrapper = vm.at('usr/bin/flower-context');
  const text = readFileSync(wrapper, 'utf8');
  const strace = `strace -D -f -qq -y -s 300 -e 'trace=${CALLS}' --output-append-mode -o '${log(vm)}'`;
  writeFileSync(wrapper, text.replace(/^exec /m, `exec ${strace} `));
}

/** The calls that name something below a folder in which Flower can write. */
function pathsOfFlower(vm: Vm): string[] {
  // Of a program that is started only its path counts: its arguments may name a folder.
  const calls = readFileSync(log(vm), 'utf8').replaceAll(/(execve\("[^"]*"), .*/g, '$1)');
  const below = ['var/lib/flower', 'run/flower'].map((folder) => `${vm.at(folder)}/`);
  return calls.split('\n').filter((line) => below.some((folder) => line.includes(folder)));
}

test.skipIf(!canTrace)('the agent uses no name below a folder that Flower can write', async () => {
  const federation = zone({ supernodes: 1, prepare: traced });
  await federation.deploy();
  const { superlink } = federation;
  await superlink.whenReady(60_000);
  const node = await until('the SuperNode', () => federation.supernodes[0]);
  await node.whenReady(60_000);

  for (const vm of [superlink, node]) {
    await vm.systemctl('reload', 'flower-context');
    await vm.toSay(/reload/i);
    await vm.whenReady(60_000);
  }
  await superlink.systemctl('stop', 'flower-superlink');
  await node.waitFor('the lost SuperLink', ({ phase }) => phase !== 'ready', 60_000);
  await superlink.systemctl('start', '--no-block', 'flower-superlink');
  for (const vm of [superlink, node]) await vm.whenReady(60_000);
  for (const vm of [node, superlink]) {
    await vm.systemctl('stop', 'flower-context');
    expect(readFileSync(log(vm), 'utf8')).toContain('/run/flower-context/status.json');
    expect(pathsOfFlower(vm)).toEqual([]);
  }
});
