// Whether Flower makes progress, as the launcher sees it from inside: around a fake Flower, with limits of seconds. With real
// Flower: launcher.test.ts; with the real systemd: test/vm/hung.test.ts.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { FlowerSetup, type Launched, pki } from '../support/flower-setup.ts';
import { listenForNotify, type NotifySocket } from '../support/notify.ts';
import { fakeEnvironment } from '../support/zone/fake-flwr.ts';
import { until } from '../support/zone/process.ts';

/** Seconds without progress. A busy machine may let a process wait for one or two. */
const SILENCE = 3;
/** WatchdogSec of the unit: the launcher notifies twice in that time. */
const WATCHDOG = { WATCHDOG_USEC: '1000000' };
const NODE = '127.35.77.11';
const setups: FlowerSetup[] = [];
const sockets: NotifySocket[] = [];

afterEach(async () => {
  for (const made of setups.splice(0).reverse()) await made.clear();
  for (const one of sockets.splice(0)) await one.close();
});

function setup(): FlowerSetup {
  const made = new FlowerSetup(BAKED_FLOWER, fakeEnvironment(BAKED_FLOWER));
  setups.push(made);
  return made;
}

async function notifications(vm: FlowerSetup): Promise<NotifySocket> {
  const made = await listenForNotify(join(vm.root, 'notify'));
  sockets.push(made);
  return made;
}

let serial = 0;
/** Every SuperLink has an address of its own. */
const address = () => `127.35.77.${20 + serial++}`;

const WAIT = { timeoutMs: 40_000 };
const line = (launched: Launched, text: RegExp) =>
  until(`the line ${text}`, () => text.exec(launched.output())?.[0], { ...WAIT, detail: launched.output });

async function served(options: { env?: Record<string, string>; order?: 'child'; silence?: number } = {}) {
  const vm = setup();
  if (options.order) vm.orderFake(options.order);
  const host = address();
  const plan = vm.superlink({ loopback: host, silence: options.silence ?? SILENCE });
  const launched = vm.launch(plan, options.env ? { env: options.env } : {});
  await vm.phase(launched, 'serving');
  return { vm, host, launched };
}

async function accepted(order?: 'child') {
  const link = await served({ silence: 600 });
  const vm = setup();
  if (order) vm.orderFake(order);
  const superlink = { host: link.host, port: 9092 };
  const keepalive = { time: 4, timeout: 2 };
  const launched = vm.launch(vm.supernode({ loopback: NODE, superlink, keepalive, silence: SILENCE }));
  await vm.phase(launched, 'accepted');
  return { vm, launched, link };
}

describe('a SuperLink', () => {
  test('whose Fleet API answers nothing is ended as by the watchdog, and the journal says why before', async () => {
    const vm = setup();
    const notify = await notifications(vm);
    const host = address();
    const launched = vm.launch(vm.superlink({ loopback: host, silence: SILENCE }), {
      env: { ...WATCHDOG, NOTIFY_SOCKET: notify.address },
    });
    await notify.until((message) => message === 'WATCHDOG=1');
    const first = await until('an answer', () => vm.link()?.answered_at ?? undefined);
    await until('a later answer', () => (vm.link()?.answered_at ?? first) > first, {
      detail: () => JSON.stringify(vm.link()) + launched.output() + notify.messages(),
    });
    vm.orderFake('mute');
    const said = await notify.until((message) => message.startsWith('WATCHDOG=trigger'));
    expect(said).toMatch(/^WATCHDOG=trigger\|STATUS=no answer of the Fleet API for [3-9] s; /);
    expect(launched.output()).toMatch(
      /^<3>flower-launch: no answer of the Fleet API for \d s; exiting for restart by systemd$/m,
    );
    expect(vm.link()).toMatchObject({
      phase: 'ended',
      detail: expect.stringContaining('no answer of the Fleet'),
    });
    // Nobody acts on it here: it ends itself.
    expect(await launched.ended).toEqual({ code: 75, signal: null });
    expect(notify.messages().at(-1), 'no notification after that').toBe(said);
  });

  test('that starts slowly is not ended, and the limit of the start is extended', async () => {
    const vm = setup();
    const notify = await notifications(vm);
    vm.orderFake('busy');
    const launched = vm.launch(vm.superlink({ loopback: address(), silence: 1 }), {
      env: { ...WATCHDOG, NOTIFY_SOCKET: notify.address },
    });
    await notify.until((message) => message.startsWith('EXTEND_TIMEOUT_USEC='));
    expect(launched.process.exitCode, launched.output()).toBeNull();
    expect(notify.messages(), 'the watchdog is armed by READY=1').not.toContain('WATCHDOG=1');
    vm.orderFake('stay');
    await vm.phase(launched, 'serving');
  });

  test('that does nothing in its start is ended', async () => {
    const vm = setup();
    vm.orderFake('sleep');
    const launched = vm.launch(vm.superlink({ loopback: address(), silence: 1 }));
    expect(await launched.ended).toEqual({ code: 75, signal: null });
    expect(vm.link()!.detail).toMatch(/^Flower hangs in its start; it used no processor time for \d s/);
  });

  test('that never gives up the lock of Python sends nothing more to systemd', async () => {
    const vm = setup();
    const notify = await notifications(vm);
    const env = { ...WATCHDOG, NOTIFY_SOCKET: notify.address };
    const launched = vm.launch(vm.superlink({ loopback: address(), silence: SILENCE }), { env });
    await notify.until((message) => message === 'WATCHDOG=1');
    vm.orderFake('lock');
    let count = -1;
    await until(
      'no notification for a second',
      () => {
        const [before, now] = [count, notify.messages().length];
        count = now;
        return before === now;
      },
      { everyMs: 1_500 },
    );
    expect(launched.process.exitCode).toBeNull();
  });

  test('that hangs stops on request with status 0', async () => {
    const { vm, launched } = await served();
    vm.orderFake('mute');
    launched.process.kill('SIGTERM');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    expect(vm.link()).toMatchObject({ phase: 'ended', detail: 'stopped as requested' });
  });

  test.each([
    ['a name', { dns: ['fleet.example.org'] }, 'fleet.example.org'],
    ['a wildcard', { dns: ['*.example.org'] }, 'fleet.example.org'],
    ['an address', { ip: ['203.0.113.9'] }, '203.0.113.9'],
    ['an IPv6 address', { ip: ['2001:db8::9'] }, '2001:db8::9'],
  ])("with an operator's certificate for %s is asked by it", async (_, names, serverName) => {
    const { vm, launched } = tlsSuperLink(pki(names), serverName);
    await until('an answer', () => vm.link()?.answered_at ?? undefined, { ...WAIT, detail: launched.output });
    expect(launched.output()).not.toContain('cannot be verified');
    expect(launched.process.exitCode).toBeNull();
  });

  test.each([
    ['whose certificate is for another name', 'elsewhere.example.org'],
    ['of whose certificate no name is known', undefined],
  ])('%s is not ended, because that does not help', async (_, serverName) => {
    const { vm, launched } = tlsSuperLink(pki({ dns: ['fleet.example.org'] }), serverName);
    await line(launched, /<4>flower-launch: the certificate of the Fleet API at \S+ cannot be verified: .*/);
    await until('an answer', () => vm.link()?.answered_at ?? undefined);
    expect(launched.process.exitCode).toBeNull();
    vm.orderFake('sleep');
    expect(launched.output().match(/cannot be verified/g), 'it is said once').toHaveLength(1);
  });
});

function tlsSuperLink(keys: ReturnType<typeof pki>, serverName: string | undefined) {
  const vm = setup();
  const host = address();
  const own = pki({ ip: [host] });
  const plan = vm.superlink({
    loopback: host,
    silence: SILENCE,
    tls: {
      own: vm.credentials('own', own.server, own.ca.certPem),
      operator: vm.credentials('operator', keys.server, keys.ca.certPem),
    },
    ...(serverName === undefined ? {} : { serverName }),
  });
  return { vm, launched: vm.launch(plan) };
}

describe('a SuperNode', () => {
  test('that makes no more calls is ended, with the reason', async () => {
    const { vm, launched } = await accepted();
    vm.orderFake('sleep');
    expect(await launched.ended).toEqual({ code: 75, signal: null });
    expect(vm.link()!.detail).toMatch(
      /^Flower has stopped calling the SuperLink; no call for \d s; exiting for restart by systemd/,
    );
  });

  test('with a call on a path that is cut has the time of keepalive for it', async () => {
    const { vm, launched, link } = await accepted();
    const asked = performance.now();
    link.vm.orderFake('mute');
    expect((await launched.ended).code).toBe(75);
    // It begins a call every 0.1 s; the last one before the order may be that much older.
    expect(performance.now() - asked, 'keepalive of 4 s and 2 s').toBeGreaterThan(5_500);
    expect(vm.link()!.detail).toMatch(/no call for ([6-9]|\d\d) s/);
  });

  test('without a SuperLink is never ended', async () => {
    const vm = setup();
    const superlink = { host: address(), port: 9092 };
    const launched = vm.launch(vm.supernode({ loopback: NODE, superlink, silence: 1 }));
    await vm.phase(launched, 'lost');
    const first = await until('a call', () => vm.link()?.answered_at ?? undefined);
    await until(
      'calls for some silences',
      () => Date.parse(vm.link()!.answered_at!) - Date.parse(first) > 8_000,
      WAIT,
    );
    expect(launched.process.exitCode, launched.output()).toBeNull();
  });

  test('waits for a SuperLink that does not answer its first call', async () => {
    const link = await served({ silence: 600 });
    link.vm.orderFake('mute');
    const vm = setup();
    const notify = await notifications(vm);
    const superlink = { host: link.host, port: 9092 };
    const plan = vm.supernode({ loopback: NODE, superlink, keepalive: { time: 2, timeout: 1 }, silence: 1 });
    const launched = vm.launch(plan, { env: { NOTIFY_SOCKET: notify.address } });
    await notify.until((message) => message.startsWith('EXTEND_TIMEOUT_USEC='));
    expect(launched.process.exitCode, launched.output()).toBeNull();
    link.vm.orderFake('stay');
    launched.process.kill('SIGTERM');
    expect((await launched.ended).code).toBe(0);
  });

  test('records when it called last, at most every five seconds, and no message', async () => {
    const { vm } = await accepted();
    const times = new Set<string>();
    const began = performance.now();
    await until('two more records', () => {
      times.add(vm.link()?.answered_at ?? '');
      return times.size > 2;
    });
    expect(performance.now() - began).toBeGreaterThan(4_500);
    expect(vm.link()).toMatchObject({ phase: 'accepted', messages: { open: 0, last_at: null } });
  });
});

describe.each([
  ['a SuperLink', () => served({ order: 'child' })],
  ['a SuperNode', () => accepted('child')],
])('the SuperExec of %s', (_role, start) => {
  const another = (launched: Launched, pid: number) =>
    until('another SuperExec', () => superExecsOf(launched).find((one) => one !== pid), {
      ...WAIT,
      detail: launched.output,
    });

  test.each([
    [
      'is killed',
      'SIGKILL',
      /^<4>flower-launch: SuperExec ended \(killed by SIGKILL\); started another one, because/m,
    ],
    [
      'ends',
      'SIGTERM',
      /^<4>flower-launch: SuperExec ended \(killed by SIGTERM\); started another one, because/m,
    ],
    [
      'is stopped',
      'SIGSTOP',
      /SuperExec was stopped by a signal and has not asked for work for \d s; started another/,
    ],
  ] as const)('%s: another one runs, in the same Flower', async (_how, signal, why) => {
    const { vm, launched } = await start();
    const [first] = superExecsOf(launched);
    process.kill(first!, signal);
    await another(launched, first!);
    await line(launched, why);
    expect(superExecsOf(launched), 'only one is left').toHaveLength(1);
    expect(vm.link()!.phase).toMatch(/serving|accepted/);
    launched.process.kill('SIGTERM');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
  });

  test('is killed again and again: Flower ends with status 75, and the journal says why', async () => {
    const { vm, launched } = await start();
    let [pid] = superExecsOf(launched);
    for (let kills = 0; kills < 3; kills++) {
      process.kill(pid!, 'SIGKILL');
      pid = await another(launched, pid!);
    }
    process.kill(pid!, 'SIGKILL');
    expect(await launched.ended).toEqual({ code: 75, signal: null });
    const why =
      'SuperExec ended (killed by SIGKILL), as 3 others in the last 10 minutes; no run can begin without it';
    expect(vm.link()!.detail).toBe(`${why}; exiting for restart by systemd`);
    expect(launched.output()).toContain(`<3>flower-launch: ${why}`);
  });

  test('is gone while a stop is requested: that is no failure', async () => {
    const { vm, launched } = await start();
    process.kill(superExecsOf(launched)[0]!, 'SIGKILL');
    launched.process.kill('SIGTERM');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    expect(vm.link()).toMatchObject({ detail: 'stopped as requested' });
  });
});

/** The living children of a launcher. Of one that ended the number stays taken. */
const superExecsOf = ({ process: { pid } }: Launched): number[] =>
  readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '))
    .filter((child) => child !== '' && !/^State:\tZ/m.test(readFileSync(`/proc/${child}/status`, 'utf8')))
    .map(Number);
