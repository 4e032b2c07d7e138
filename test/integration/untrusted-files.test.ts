// Each kind of thing under the name of each file that the agent reads: it never waits, never fills its memory, sets aside
// what it can write again, and names what it found where it cannot.
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KINDS } from '../support/kinds-of-files.ts';
import { until } from '../support/zone/process.ts';
import { superlink } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

const STATE = 'var/lib/flower-context';
const RUN = 'run/flower-context';
/** What the agent writes. */
const OWN = [
  `${STATE}/checkpoint.json`,
  `${STATE}/failed-installations.json`,
  `${STATE}/tls/server.pem`,
  `${STATE}/tls/server.key`,
  `${RUN}/plan.json`,
  `${RUN}/flower.json`,
  `${RUN}/status.json`,
  `${RUN}/ready.json`,
  `${RUN}/run-config.toml`,
  'run/motd.d/flower-context',
];
/** What others write, and the boot needs. */
const GIVEN = [
  'etc/flower-context/appliance.json',
  'etc/passwd',
  'run/one-context/context.sh.network',
  'run/one-context/one_env',
];
const COMMANDS = [
  ['status'],
  ['ready', '--timeout', '0'],
  ['doctor'],
  ['ca'],
  ['plan'],
  ['validate'],
  ['context'],
];
const isRegular = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;

function exchange(vm: Vm, path: string, make: (path: string) => void): void {
  rmSync(vm.at(path), { recursive: true, force: true });
  if (existsSync(dirname(vm.at(path)))) make(vm.at(path));
}

/** Every command ends by itself, in well under a minute, with an exit status of its own; all that they print. */
async function commandsEnd(vm: Vm): Promise<string> {
  let all = '';
  for (const args of COMMANDS) {
    const { code, stdout, stderr } = await vm.cli(...args);
    expect([0, 1, 2, 3, 64], `${args.join(' ')}: ${stderr}`).toContain(code);
    expect(stderr).not.toContain('internal_error');
    all += stdout + stderr;
  }
  return all;
}

/** The largest size of the agent's memory so far, in MiB. */
async function peakMiB(vm: Vm): Promise<number> {
  const { MainPID } = await vm.unit('flower-context');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${MainPID}/status`, 'utf8'))?.[1]) / 1024;
}

/** Those that block, never end, are large, or cannot be replaced by a rename; read-files.test.ts has all kinds. */
const CHOSEN = [
  'a directory with files',
  'a FIFO',
  'a socket',
  'a link to /dev/zero',
  'a sparse file of 1 GiB',
];
const kinds = KINDS.filter(({ title }) => CHOSEN.includes(title));

describe.each(kinds)('$title', ({ make, found }) => {
  test('under the names of the agent’s own files is replaced, and the boot succeeds', async () => {
    const { vm } = await superlink();
    await vm.whenReady();
    const usual = await peakMiB(vm);
    const ca = readFileSync(vm.at(`${STATE}/tls/ca.pem`), 'utf8');
    await vm.systemctl('stop', 'flower-context');
    for (const path of OWN) exchange(vm, path, make);
    const said = await commandsEnd(vm);
    expect(said.replaceAll(/\s+/g, ' ')).toMatch(found);
    await vm.systemctl('start', '--no-block', 'flower-context');
    await until('the status', () => isRegular(vm.at(`${RUN}/status.json`)));
    await vm.whenReady();
    for (const path of OWN.filter((one) => !one.includes('failed-installations')))
      await until(path, () => isRegular(vm.at(path)), { detail: () => vm.diagnostics() });
    expect(vm.status()?.problems).toContainEqual(
      expect.objectContaining({ code: 'state_damaged', found: expect.stringMatching(found) }),
    );
    expect(readdirSync(vm.at(STATE)).some((name) => name.startsWith('checkpoint.json.damaged-'))).toBe(true);
    expect(readFileSync(vm.at(`${STATE}/tls/ca.pem`), 'utf8')).toBe(ca);
    expect(await peakMiB(vm)).toBeLessThan(usual + 32);
    expect((await vm.cli('ready', '--timeout', '0')).code).toBe(0);
  });

  test('under the names of files that others write is named in a problem', async () => {
    const { vm } = await superlink();
    await vm.whenReady();
    await vm.systemctl('stop', 'flower-context');
    for (const path of GIVEN) {
      const kept = isRegular(vm.at(path)) ? readFileSync(vm.at(path)) : '';
      exchange(vm, path, make);
      const said = await commandsEnd(vm);
      // The commands need no user of Flower.
      if (path !== 'etc/passwd') expect(said.replaceAll(/\s+/g, ' '), path).toMatch(found);
      rmSync(vm.at(`${STATE}/checkpoint.json`), { force: true });
      const before = vm.journalText().length;
      await vm.systemctl('start', '--no-block', 'flower-context');
      const named = (): boolean => found.test(vm.journalText().slice(before));
      await until(`${path} in the journal`, named, { detail: () => vm.diagnostics() });
      await vm.systemctl('stop', 'flower-context');
      rmSync(vm.at(path), { recursive: true, force: true });
      writeFileSync(vm.at(path), kept);
    }
  });

  test('instead of Flower’s report stops neither the agent nor a command', async () => {
    const { vm } = await superlink();
    await vm.whenReady();
    const usual = await peakMiB(vm);
    exchange(vm, `${RUN}/link.json`, make);
    await commandsEnd(vm);
    await vm.waitFor('the lost report to be noticed', ({ serving }) => !serving);
    expect(await peakMiB(vm)).toBeLessThan(usual + 32);
    const began = performance.now();
    await vm.systemctl('stop', 'flower-context');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect((await vm.unit('flower-context')).Result).toBe('success');
  });
});

test('a CA that is a directory is set aside and made again with its key, and SuperNodes that trust it are mentioned', async () => {
  const { vm } = await superlink();
  await vm.whenReady();
  const key = readFileSync(vm.at(`${STATE}/tls/ca.key`), 'utf8');
  await vm.shutdown();
  exchange(vm, `${STATE}/tls/ca.pem`, kinds[0]!.make);
  await vm.boot();
  const { problems } = await vm.whenReady();
  expect(problems).toContainEqual(
    expect.objectContaining({
      code: 'state_damaged',
      found: expect.stringContaining('a directory'),
      remedy: expect.stringMatching(/made again with the same key .* SuperNodes that trust .* accept it/),
    }),
  );
  expect(isRegular(vm.at(`${STATE}/tls/ca.pem`))).toBe(true);
  expect(readdirSync(vm.at(`${STATE}/tls`)).filter((name) => name.includes('.damaged-'))).toHaveLength(1);
  expect(readFileSync(vm.at(`${STATE}/tls/ca.key`), 'utf8')).toBe(key);
});
