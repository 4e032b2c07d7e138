// What really comes to systemd's socket: each line of a datagram is an assignment (sd_notify(3)).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../src/host/process.ts';
import { HARMFUL, ORDERS } from '../support/foreign-texts.ts';
import { listenForNotify, type NotifySocket } from '../support/notify.ts';

let folder: string;
let socket: NotifySocket;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'notify-'));
  socket = await listenForNotify(join(folder, 'socket'));
});
afterEach(async () => {
  await socket.close();
  rmSync(folder, { recursive: true });
});

const NAMES = /^(READY|STATUS|STOPPING|WATCHDOG)=/;
const TEXT = `lost${HARMFUL.map((harmful, at) => `${harmful}${ORDERS[at % ORDERS.length]}`).join('')}`;

/** The assignments of all datagrams so far. */
const assignments = (): string[] => socket.messages().flatMap((message) => message.split('|'));

test('a status of the agent never brings a second assignment', async () => {
  const program = `import(${JSON.stringify(import.meta.resolve('../../src/host/notify.ts'))}).then(async (notify) => {
    process.stdout.write(String(process.pid));
    notify.notifyStatus(process.argv[1]);
    notify.notifyReady();
    await notify.notified();
  })`;
  const text = TEXT.replaceAll('\0', '');
  const { code, stdout, stderr } = await run(process.execPath, ['-e', program, text], {
    env: { ...process.env, NOTIFY_SOCKET: socket.address },
    timeoutMs: 20_000,
  });
  expect(code, stderr).toBe(0);
  await socket.until((message) => message.includes('READY=1'));
  // The program adds MAINPID, of the process that calls it, and a barrier.
  const ours = assignments().filter((one) => !/^(MAINPID|BARRIER)=/.test(one));
  expect(ours.map((one) => one.split('=')[0]).toSorted()).toEqual(['READY', 'STATUS']);
  const pids = assignments().filter((one) => one.startsWith('MAINPID='));
  expect(pids).toEqual([`MAINPID=${stdout}`, `MAINPID=${stdout}`]);
});

test('nor does anything that a SuperLink sends to the launcher', async () => {
  const program = [
    'import json, sys',
    'sys.dont_write_bytecode = True',
    'sys.path.insert(0, sys.argv[1])',
    'from flower_launch.state import FlowerState',
    'from flower_launch.state_file import StateFile',
    'from flower_launch.systemd import Systemd',
    'systemd = Systemd({"NOTIFY_SOCKET": sys.argv[2]})',
    'state = FlowerState({"role": "supernode", "fleet": None, "transport": "grpc", "options": {"client": []}}, StateFile(), systemd)',
    'state.channel_opens("10.0.0.5:9092", [])',
    'text = json.loads(sys.argv[3])',
    'for code in ("UNAUTHENTICATED", "UNAVAILABLE", "INTERNAL"):',
    '    state.call_ends(state.call_begins("ActivateNode"), "ActivateNode", code, text, None)',
    'state.end("Flower exited: " + text)',
    'systemd.notify("STATUS=" + text)',
  ].join('\n');
  const lib = join(import.meta.dirname, '../../appliance/lib');
  const args = ['-c', program, lib, socket.address, JSON.stringify(TEXT)];
  const { code, stderr } = await run(process.env.PYTHON ?? 'python3', args, { timeoutMs: 20_000 });
  expect(code, stderr).toBe(0);
  await socket.until((message) => message.includes('STOPPING'));
  expect(assignments().filter((one) => NAMES.test(one))).toHaveLength(assignments().length);
  expect(assignments().filter((one) => !one.startsWith('STATUS='))).toEqual(['STOPPING=1']);
  // The log goes to the journal: one line, with our priority, for each.
  const lines = stderr.trimEnd().split('\n');
  expect(lines.every((line) => /^<[345]>flower-launch: /.test(line))).toBe(true);
});
