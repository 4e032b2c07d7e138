// The name of the VM in its certificate: the one that it is going to have, and no reason to make another.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nameOf } from '../../src/host/net.ts';
import { patience } from '../support/load.ts';
import { NET, superlink } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

const canSetName = ((): boolean => {
  try {
    execFileSync('unshare', ['--uts', '--mount', 'sh', '-c', 'echo other >/proc/sys/kernel/hostname'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
})();

/** Gives the VM a UTS namespace, and its agent the name that etc/hostname has when it starts, as its unit does. */
function namedBy(vm: Vm, more = ''): void {
  const wrapper = readFileSync(vm.at('usr/bin/flower-context'), 'utf8');
  const inside = `${more}echo "$(cat ${vm.at('etc/hostname')})" >/proc/sys/kernel/hostname; exec "$0" "$@"`;
  writeFileSync(
    vm.at('usr/bin/flower-context'),
    wrapper.replace(/^exec /m, `exec unshare --uts --mount /bin/sh -c '${inside}' `),
  );
  name(vm, 'image');
}
function name(vm: Vm, hostname: string): void {
  mkdirSync(vm.at('etc'), { recursive: true });
  writeFileSync(vm.at('etc/hostname'), hostname);
}

const flower = async (vm: Vm): Promise<string> => (await vm.unit('flower-superlink')).MainPID!;
const certificate = (vm: Vm): string => readFileSync(vm.at('var/lib/flower-context/tls/server.pem'), 'utf8');
const plan = (vm: Vm): string => readFileSync(vm.at('run/flower-context/plan.json'), 'utf8');

/** As an upgrade of the package does it. */
async function restartAgent(vm: Vm): Promise<string[]> {
  const { pid } = vm.status()!;
  await vm.systemctl('restart', '--no-block', 'flower-context');
  const status = await vm.waitFor(
    'the next agent to be ready',
    (now) => now.pid !== pid && now.phase === 'ready',
  );
  return status.facts['sans'] as string[];
}

describe.runIf(canSetName)('a SuperLink', () => {
  test('whose host name has changed keeps its certificate, its plan and its Flower', async () => {
    const { vm } = await superlink({}, { prepare: (one) => namedBy(one) });
    const { facts } = await vm.whenReady();
    expect(facts['sans']).toContain('DNS:image');
    const before = [certificate(vm), plan(vm), await flower(vm)];
    name(vm, 'other.example.org');
    expect(await restartAgent(vm)).toContain('DNS:image');
    expect([certificate(vm), plan(vm), await flower(vm)]).toEqual(before);
  });

  test('is named in its first certificate as one-context will name it, and keeps that one then', async () => {
    const { vm } = await superlink(
      { SET_HOSTNAME: 'Super Link.example.org' },
      { prepare: (one) => namedBy(one) },
    );
    const { facts } = await vm.whenReady();
    expect(facts['sans']).toEqual(expect.arrayContaining(['DNS:super-link.example.org', 'DNS:super-link']));
    expect(facts['sans']).not.toContain('DNS:image');
    const before = [certificate(vm), await flower(vm)];
    name(vm, 'super-link');
    await restartAgent(vm);
    expect([certificate(vm), await flower(vm)]).toEqual(before);
    // Another name is no reason to start Flower again either.
    vm.leaveContext({ SET_HOSTNAME: 'web7' });
    await restartAgent(vm);
    expect([certificate(vm), await flower(vm)]).toEqual(before);
  });
});

/** A DNS server that has `name` for whatever it is asked, or never answers. */
async function dns(name?: string, at = { address: '127.0.0.1', port: 0 }): Promise<string> {
  const server = createSocket('udp4');
  onTestFinished(() => void server.close());
  server.on('message', (query, from) => {
    if (name === undefined) return;
    const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
    const pointer = [...labels, 0];
    // Answer to the question at byte 12: PTR, IN, a minute.
    const answer = [0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0, pointer.length, ...pointer];
    const end = query.indexOf(0, 12) + 5;
    const header = [query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    server.send(Buffer.from([...header, ...query.subarray(12, end), ...answer]), from.port, from.address);
  });
  server.bind(at.port, at.address);
  await once(server, 'listening');
  return `${at.address}:${(server.address() as AddressInfo).port}`;
}

describe('the name that DNS has for an address', () => {
  test('is asked for', async () => {
    expect(await nameOf('10.9.8.7', 5_000, [await dns('web7.example.org')])).toBe('web7.example.org');
  });

  test('is not waited for longer than it is worth', async () => {
    const began = performance.now();
    expect(await nameOf('10.9.8.7', 300, [await dns()])).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(patience(2_000));
  });
});

test.runIf(canSetName)(
  'a VM with DNS_HOSTNAME has the name of its first address in its certificate',
  async () => {
    const address = `${NET}.0.253`;
    await dns('web7.example.org', { address, port: 53 });
    const prepare = (vm: Vm): void => {
      writeFileSync(vm.at('etc/resolv.conf'), `nameserver ${address}\n`);
      namedBy(vm, `mount --bind ${vm.at('etc/resolv.conf')} /etc/resolv.conf; `);
    };
    const { vm } = await superlink({ DNS_HOSTNAME: 'YES' }, { prepare });
    const { facts } = await vm.whenReady();
    expect(facts['sans']).toEqual(expect.arrayContaining(['DNS:web7.example.org', 'DNS:web7']));
  },
);
