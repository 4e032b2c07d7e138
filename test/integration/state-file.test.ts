// The state of Flower that the agent believes: processes of Flower's user cannot forge it, and a record counts only while the
// main process of the unit lives. Real processes, of a second user where the test runs as root.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type FlowerState,
  formatFlowerState,
  liveFlowerState,
  parseFlowerState,
  readFlowerState,
  watchFlowerState,
  whyUnknown,
} from '../../src/flower/state-file.ts';
import { realHost } from '../../src/host/host.ts';
import { type Machine, realMachine } from '../../src/host/machine.ts';
import { processFacts } from '../../src/host/process.ts';
import { run, until } from '../support/zone/process.ts';
import { superlink } from '../support/zone/test-zone.ts';
import { HURRY } from './failures/setup.ts';

const LIB = join(import.meta.dirname, '../../appliance/lib');
const SCRIPT = join(import.meta.dirname, '../support/state-file-process.py');
/** Of the system: another user may not run one in a home directory. */
const PYTHON = '/usr/bin/python3';
/** Of no user of any machine. */
const AS_OTHER_USER = ['setpriv', '--reuid=47110', '--regid=47110', '--clear-groups', '--'];

let folder: string;
let machine: Machine;
let main: number[];
let asked: number;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-file-'));
  chmodSync(folder, 0o755);
  [main, asked, children] = [[], 0, []];
  const mainPids = async (): Promise<number[]> => {
    asked++;
    return main;
  };
  machine = { ...realMachine(folder), host: { ...realHost, mainPids } };
  mkdirSync(machine.paths.run, { recursive: true });
});
afterEach(async () => {
  for (const child of children.filter(
    ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
  )) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a process with the state file as standard input and output, as systemd does. */
function start(words: readonly string[], prefix: readonly string[] = []): ChildProcess {
  const link = openSync(machine.paths.flowerLink, constants.O_RDWR | constants.O_CREAT, 0o644);
  const [program, ...args] = [...prefix, PYTHON, '-I', SCRIPT, ...words];
  const child = spawn(program!, args, { stdio: [link, link, 'pipe'] });
  closeSync(link);
  children.push(child);
  return child;
}

interface Says {
  readonly pid: number;
  /** A child that was started with all descriptors has the file; a forked one can write it. */
  readonly inherits?: boolean;
  readonly forks?: boolean;
  /** What came before, on standard output, too. */
  readonly before: readonly string[];
}

/** The first line of JSON that a process writes. */
async function says(child: ChildProcess): Promise<Says> {
  const before: string[] = [];
  for await (const line of createInterface(child.stderr!)) {
    if (line.startsWith('{')) return { ...(JSON.parse(line) as Says), before };
    before.push(line);
  }
  throw new Error(`the process ended: ${before.join('\n')}`);
}

const record = (pid: number, more: Partial<FlowerState> = {}): FlowerState => ({
  version: 1,
  pid,
  started: processFacts(pid)?.started ?? 0,
  plan: 'ab'.repeat(32),
  phase: 'accepted',
  since: '2026-01-01T00:00:00.000Z',
  node_id: '7',
  detail: 'accepted',
  options: { server: [], client: [] },
  ...more,
});
const leave = (state: FlowerState): void => writeFileSync(machine.paths.flowerLink, formatFlowerState(state));

describe.runIf(process.getuid?.() === 0)('code of the user of Flower', () => {
  async function attacked(how: 'open' | 'closed') {
    const holder = start(['hold', LIB, how], AS_OTHER_USER);
    const said = await says(holder);
    const before = readFileSync(machine.paths.flowerLink);
    const [program, ...args] = [...AS_OTHER_USER, PYTHON, '-I', SCRIPT, 'attack'];
    const { stdout, stderr } = await run(program!, [...args, String(said.pid), machine.paths.flowerLink]);
    expect(stderr).toBe('');
    return { said, before, achieved: JSON.parse(stdout) as Record<string, boolean> };
  }

  test('cannot write the state of Flower, neither by its name nor through the launcher nor as a child of it', async () => {
    const { said, before, achieved } = await attacked('closed');
    expect(Object.entries(achieved).filter(([, done]) => done)).toEqual([]);
    expect(said).toMatchObject({ inherits: false, forks: false, before: ['not a record'] });
    expect(readFileSync(machine.paths.flowerLink)).toEqual(before);
    expect(statSync(machine.paths.flowerLink)).toMatchObject({ uid: 0, mode: 0o100644, nlink: 1 });
    main = [said.pid];
    expect(await liveFlowerState(machine)).toMatchObject({ up: true, node_id: '7' });
  });

  test.each([0, 100])(
    'cannot keep the launcher from writing that the link is lost: with a limit of %i bytes it ends',
    async (limit) => {
      const holder = start(['hold', LIB, 'closed'], AS_OTHER_USER);
      const { pid } = await says(holder);
      main = [pid];
      expect(await liveFlowerState(machine)).toMatchObject({ up: true });
      const [program, ...args] = [...AS_OTHER_USER, 'prlimit', `--pid=${pid}`, `--fsize=${limit}`];
      expect(await run(program!, args)).toMatchObject({ code: 0 });
      holder.kill('SIGUSR1');
      expect(await until('the end of the launcher', () => holder.exitCode ?? undefined)).toBe(75);
      expect(await liveFlowerState(machine)).toBeUndefined();
    },
  );

  test('could write it through a launcher that is not closed to others', async () => {
    const { achieved } = await attacked('open');
    expect(achieved).toMatchObject({ pidfd_getfd: true, memory: true, ptrace: true, open: false });
  });
});

test('the launcher cuts what it writes: one line of 300 characters, in a record of 4096 bytes', async () => {
  await says(start(['hold', LIB, 'closed']));
  const text = readFileSync(machine.paths.flowerLink, 'utf8');
  expect(text).toHaveLength(4_096);
  expect(parseFlowerState(text)?.detail).toMatch(/^one READY=1 x{285}\.\.\.$/);
  expect(parseFlowerState(text)?.detail).toHaveLength(300);
});

test('a record that is written at this moment is read whole', async () => {
  await says(start(['write', LIB]));
  const seen = new Set<string | undefined>();
  for (let reads = 0; reads < 2_000; reads++) seen.add((await readFlowerState(machine))?.phase);
  expect([...seen].sort()).toEqual(['accepted', 'lost']);
});

test('a state that is written all the time is looked at once a second', async () => {
  await says(start(['write', LIB]));
  let changes = 0;
  const began = performance.now();
  const end = watchFlowerState(machine, () => changes++);
  await until('eight changes', () => changes >= 8);
  end();
  expect(changes).toBeLessThanOrEqual(6 + (performance.now() - began) / 1_000);
});

describe('a record', () => {
  const sleeper = (): number => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    children.push(child);
    return child.pid!;
  };

  test('counts while the main process of the unit lives, and systemd is asked once for each process', async () => {
    const pid = sleeper();
    main = [0, pid];
    leave(record(pid));
    for (let reads = 0; reads < 5; reads++)
      expect(await liveFlowerState(machine)).toMatchObject({ pid, up: true });
    expect(asked).toBe(1);
    expect(await whyUnknown(machine)).toBeUndefined();
    leave(record(pid, { phase: 'lost' }));
    expect(await liveFlowerState(machine)).toMatchObject({ up: false });

    children[0]!.kill('SIGKILL');
    await once(children[0]!, 'exit');
    expect(await liveFlowerState(machine)).toBeUndefined();
  });

  test('of a process that is not the main process of the unit does not count', async () => {
    main = [sleeper(), 0];
    leave(record(sleeper()));
    expect(await liveFlowerState(machine)).toBeUndefined();
    expect(await whyUnknown(machine)).toMatch(/has the state of another process/);
  });

  test('of an earlier process with the same number does not count', async () => {
    const pid = sleeper();
    main = [pid];
    leave({ ...record(pid), started: record(pid).started - 1 });
    expect(await liveFlowerState(machine)).toBeUndefined();
    expect(await whyUnknown(machine)).toMatch(/has the state of another process/);
  });

  test('of a process that a signal has stopped does not count', async () => {
    const pid = sleeper();
    main = [pid];
    leave(record(pid));
    children[0]!.kill('SIGSTOP');
    await until('the stop', () => processFacts(pid)?.stopped);
    expect(await liveFlowerState(machine)).toBeUndefined();
    expect(await whyUnknown(machine)).toMatch(/was stopped by a signal/);
  });

  test.each<[what: string, leaves: () => void]>([
    ['no file', () => {}],
    ['an empty file', () => writeFileSync(machine.paths.flowerLink, '')],
    ['zeros', () => writeFileSync(machine.paths.flowerLink, Buffer.alloc(4_096))],
    [
      'JSON without its checksum',
      () => writeFileSync(machine.paths.flowerLink, JSON.stringify(record(process.pid))),
    ],
    [
      'a file of a gigabyte',
      () => {
        writeFileSync(machine.paths.flowerLink, '');
        truncateSync(machine.paths.flowerLink, 2 ** 30);
      },
    ],
    ['a directory', () => void mkdirSync(machine.paths.flowerLink)],
  ])('is missing where there is %s, and a Flower that runs is then unknown', async (_, leaves) => {
    main = [sleeper()];
    leaves();
    expect(await liveFlowerState(machine)).toBeUndefined();
    expect(await whyUnknown(machine)).toMatch(/runs, but .*link.json has no valid state/);
    main = [0, 0];
    expect(await whyUnknown(machine)).toBeUndefined();
  });
});

describe('a Flower whose state is not known', () => {
  // covers flower_state_unknown
  test.each<[what: string, damage: (path: string) => void]>([
    ['removed', (path) => rmSync(path)],
    ['emptied', (path) => truncateSync(path)],
    [
      'about another process that lives',
      (path) => writeFileSync(path, formatFlowerState(record(process.pid, { phase: 'serving' }))),
    ],
  ])('because its file is %s is reported, and restarted', async (_, damage) => {
    const { vm } = await superlink({}, { env: HURRY });
    await vm.whenReady();
    const before = vm.flowerLink()!.pid;
    damage(vm.at('run/flower-context/link.json'));
    await vm.waitFor('the loss', ({ serving }) => !serving);
    const another = (): boolean => (vm.flowerLink()?.pid ?? before) !== before;
    const { problems } = await vm.waitFor('another Flower', ({ serving }) => serving && another());
    await vm.toSay(/flower_state_unknown: .* process \d+ of Flower runs, but/);
    await vm.toSay(/what to do: .*restart/);
    // The warning was true until Flower was restarted.
    await vm.toSay('no longer the case: flower_state_unknown');
    expect(problems).toEqual([]);
  });

  test('because its process is stopped is restarted', async () => {
    const { vm } = await superlink({}, { env: HURRY });
    await vm.whenReady();
    const { pid } = vm.flowerLink()!;
    process.kill(pid, 'SIGSTOP');
    await vm.waitFor('the loss', ({ serving }) => !serving);
    await vm.waitFor('the return', ({ serving }) => serving, 60_000);
    expect(vm.flowerLink()!.pid).not.toBe(pid);
  });
});
