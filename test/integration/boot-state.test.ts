// The disk: full, read-only, damaged; and the power cut at any moment.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../support/zone/process.ts';
import { superlink, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

const STATE = 'var/lib/flower-context';
const tls = (vm: Vm, name: string): string => readFileSync(vm.at(`${STATE}/tls/${name}`), 'utf8');

/** A file system of its own for the agent's state; only root may mount. */
const mounted = (options: string) => (vm: Vm) => {
  mkdirSync(vm.at(STATE), { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', vm.at(STATE)]);
  onTestFinished(() => void execFileSync('umount', ['-l', vm.at(STATE)]));
};

const canMount = ((): boolean => {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

describe.runIf(canMount)('a disk', () => {
  // covers disk-read-only
  test('that is read-only is reported with a remedy, and works again when it is writable', async () => {
    const federation = zone({ supernodes: 0, prepare: mounted('ro') });
    await federation.deploy();
    await until('the VM', () => federation.vms.length === 1);
    const vm = federation.superlink;
    const status = await vm.whenFailed();
    expect(status.problems[0]).toMatchObject({
      code: 'state_unwritable',
      found: expect.stringContaining('read-only'),
      remedy: expect.stringContaining('remount,rw'),
    });
    await until(
      'the error on OneGate',
      () => federation.seenBy(vm).userTemplate.get('FL_ERROR') === 'state_unwritable',
    );
    execFileSync('mount', ['-o', 'remount,rw', vm.at(STATE)]);
    await vm.whenReady();
  });

  // covers disk-full
  test('that is full is reported, leaves no partial file, and works again when it has free space', async () => {
    const federation = zone({ supernodes: 0, prepare: mounted('size=8k') });
    await federation.deploy();
    await until('the VM', () => federation.vms.length === 1);
    const vm = federation.superlink;
    const status = await vm.whenFailed();
    expect(status.problems[0]).toMatchObject({
      code: 'state_unwritable',
      found: expect.stringContaining('full'),
      remedy: expect.stringContaining('df -h'),
    });
    execFileSync('mount', ['-o', 'remount,size=10m', vm.at(STATE)]);
    await vm.whenReady();
    const left = readdirSync(vm.at(STATE), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\/?\.[^/]+\.\d+-\d+$/.test(name),
    );
    expect(left).toEqual([]);
  });
});

describe('a state file', () => {
  // covers state_damaged, damaged-file
  test.each([
    ['cut off', (text: string) => text.slice(0, text.length / 2)],
    ['zeroes', () => '\0'.repeat(512)],
    ['of a later version', () => '{"version":99,"steps":{}}'],
  ])('that is damaged (%s) is quarantined, reported and never used', async (_title, damage) => {
    const { vm } = await superlink();
    await vm.whenReady();
    const ca = tls(vm, 'ca.pem');
    await vm.shutdown();
    const path = vm.at(`${STATE}/checkpoint.json`);
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    await vm.boot();
    const status = await vm.whenReady();
    expect(status.problems).toContainEqual(
      expect.objectContaining({ code: 'state_damaged', kind: 'degraded' }),
    );
    expect(
      readdirSync(vm.at(STATE)).filter((name) => name.startsWith('checkpoint.json.damaged-')),
    ).toHaveLength(1);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ version: 1 });
    expect(tls(vm, 'ca.pem')).toBe(ca);
    // It has been set aside: a later boot of the same agent has no such problem.
    await until('the unit', async () => (await vm.unit('flower-context')).ActiveState === 'active');
    await vm.systemctl('reload', 'flower-context');
    const later = await vm.waitFor(
      'another boot',
      ({ phase, started_at }) => phase === 'ready' && started_at !== status.started_at,
    );
    expect(later.problems).toEqual([]);
    expect(vm.journalText().match(/state_damaged/g)).toHaveLength(1);
  });

  test('of the CA that is damaged is quarantined, what serves goes on, and the report mentions SuperNodes that pin the CA', async () => {
    const { vm, one } = await superlink();
    await vm.whenReady();
    const before = one.userTemplate.get('FL_CA_CERT');
    await vm.shutdown();
    writeFileSync(vm.at(`${STATE}/tls/ca.key`), 'nothing of use');
    await vm.boot();
    const status = await vm.whenReady();
    expect(status.problems).toContainEqual(
      expect.objectContaining({
        code: 'state_damaged',
        remedy: expect.stringContaining('FL_SSL_CA_CERTFILE'),
      }),
    );
    expect(one.userTemplate.get('FL_CA_CERT')).toBe(before);
    expect(readdirSync(vm.at(`${STATE}/tls`)).filter((name) => name.startsWith('ca.key'))).toEqual([
      expect.stringMatching(/^ca\.key\.damaged-/),
    ]);
    const ca = new X509Certificate(tls(vm, 'ca.pem'));
    expect(new X509Certificate(tls(vm, 'server.pem')).verify(ca.publicKey)).toBe(true);
  });
});

describe('the power cut', () => {
  test('in the middle of a write leaves a temporary file, which the next boot removes', async () => {
    const { vm } = await superlink();
    await vm.whenReady();
    const before = tls(vm, 'ca.key');
    await vm.powerCut();
    // The id may be that of a process of the next boot.
    const left = [`${STATE}/.checkpoint.json.1-24`, `${STATE}/tls/.ca.key.${process.pid}-3`];
    for (const path of left) writeFileSync(vm.at(path), 'half of');
    await vm.boot();
    await vm.whenReady();
    expect(left.filter((path) => existsSync(vm.at(path)))).toEqual([]);
    expect(tls(vm, 'ca.key')).toBe(before);
  });

  const steps = [
    'validate',
    'announce_booting',
    'prepare_directories',
    'certificates',
    'launch_plan',
    'start_flower',
    'await_fleet_api',
    'publish',
  ];

  test.each(steps)(
    // covers power-cut
    'at the step %s lets the next boot finish with the same CA and keys',
    async (step) => {
      const { vm, one } = await superlink();
      const begun = (): boolean =>
        vm.status()?.steps.some(({ id, state }) => id === step && state !== 'pending') ?? false;
      await until(`the step ${step}`, begun, { everyMs: 1 });
      await vm.powerCut();
      const files = ['ca.key', 'ca.pem'].filter((name) => existsSync(vm.at(`${STATE}/tls/${name}`)));
      const whole = files.length === 2 ? files.map((name) => tls(vm, name)) : undefined;

      await vm.boot();
      await vm.whenReady();
      if (whole !== undefined) expect(files.map((name) => tls(vm, name))).toEqual(whole);
      const ca = new X509Certificate(tls(vm, 'ca.pem'));
      expect(new X509Certificate(tls(vm, 'server.pem')).verify(ca.publicKey)).toBe(true);
      expect(Buffer.from(one.userTemplate.get('FL_CA_CERT')!, 'base64').toString()).toBe(tls(vm, 'ca.pem'));
      expect(vm.status()?.problems.filter(({ kind }) => kind !== 'warning')).toEqual([]);
    },
  );

  // covers power-cut-partition
  test('of a SuperNode, twice, does not change its partition', async () => {
    const federation = zone({ supernodes: 2 });
    await federation.up();
    const [first, second] = federation.supernodes as [Vm, Vm];
    const before = [first, second].map((vm) => vm.status()?.facts.partition_id);
    await Promise.all([first.powerCut(), second.powerCut()]);
    await second.boot();
    await until('the second to be under way', () => second.status() !== undefined);
    await second.powerCut();
    await Promise.all([second.boot(), first.boot()]);
    await Promise.all([first.whenReady(), second.whenReady()]);
    expect([first, second].map((vm) => vm.status()?.facts.partition_id)).toEqual(before);
  });
});
