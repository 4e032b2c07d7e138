// The service manager of the demo and of these tests does what systemd does, as far as the agent can see.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endWith, type Outcome, run, startSupervisor, until } from '../support/zone/process.ts';
import { NET } from '../support/zone/test-zone.ts';

const POCKET = resolve(import.meta.dirname, '../support/pocket-systemd.py');
let root: string;
let supervisor: ChildProcess;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'pocket-'));
  mkdirSync(join(root, 'usr/lib/systemd/system'), { recursive: true });
  supervisor = await startSupervisor(POCKET, ['--root', root, '--listen', `${NET}.0.99`, '--lifeline']);
});
afterEach(async () => {
  await endWith(supervisor, 'SIGTERM');
  rmSync(root, { recursive: true });
});

const unit = (name: string, settings: string): void =>
  writeFileSync(join(root, `usr/lib/systemd/system/${name}.service`), `[Service]\n${settings}\n`);
const systemctl = (...args: string[]): Promise<Outcome> => run(join(root, 'usr/bin/systemctl'), args);
const journal = async (name: string): Promise<string> =>
  (await run(join(root, 'usr/bin/journalctl'), ['-u', name, '-n', '50', '-o', 'cat', '--no-pager'])).stdout;
const property = async (name: string, key: string): Promise<string> =>
  (await systemctl('show', name, '-p', key, '--value')).stdout.trim();
const when = (name: string, key: string, value: string): Promise<unknown> =>
  until(`${name} to have ${key}=${value}`, async () => (await property(name, key)) === value, {
    detail: () => readFileSync(join(root, `var/log/journal/${name}.log`), 'utf8'),
  });
const alive = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

describe('a unit', () => {
  test('of Type=notify is not active before it has said READY=1', async () => {
    unit('a', 'Type=notify\nExecStart=/bin/sleep 100');
    await systemctl('start', '--no-block', 'a');
    expect(await property('a', 'SubState')).toBe('start');
  });

  test('of Type=notify that ends before READY=1 has failed', async () => {
    unit('a', 'Type=notify\nExecStart=/bin/true');
    expect(await systemctl('start', 'a')).toMatchObject({ code: 1 });
    expect(await property('a', 'Result')).toBe('protocol');
  });

  test('that says READY=1 through the systemd-notify on PATH is active, and its status is kept', async () => {
    unit(
      'a',
      'Type=notify\nNotifyAccess=all\nExecStart=/bin/sh -c "systemd-notify --ready --status=serving; exec sleep 100"',
    );
    expect(await systemctl('start', 'a')).toMatchObject({ code: 0 });
    expect(await property('a', 'ActiveState')).toBe('active');
    expect(await property('a', 'StatusText')).toBe('serving');
  });

  test('accepts notifications only of its main process unless NotifyAccess=all', async () => {
    unit(
      'a',
      'Type=notify\nNotifyAccess=main\nTimeoutStartSec=1\nExecStart=/bin/sh -c "sh -c \'systemd-notify STATUS=child; true\'; exec sleep 100"',
    );
    await systemctl('start', '--no-block', 'a');
    await until('the refusal', async () =>
      (await journal('a')).includes('reception only permitted for main PID'),
    );
    expect(await property('a', 'StatusText')).toBe('');
  });

  test('with Restart=always starts again after RestartSec, also after a clean exit', async () => {
    unit('a', 'ExecStart=/bin/sleep 0.05\nRestart=always\nRestartSec=100ms');
    await systemctl('start', 'a');
    await until('two restarts', async () => Number(await property('a', 'NRestarts')) >= 2);
    await systemctl('stop', 'a');
    expect(await property('a', 'ActiveState')).toBe('inactive');
  });

  test('with Restart=on-failure does not start again after an exit status that RestartPreventExitStatus names', async () => {
    unit(
      'a',
      'ExecStart=/bin/sh -c "exit 2"\nRestart=on-failure\nRestartSec=10ms\nRestartPreventExitStatus=2',
    );
    await systemctl('start', 'a');
    await when('a', 'ActiveState', 'failed');
    expect(await property('a', 'Result')).toBe('exit-code');
    expect(await property('a', 'ExecMainStatus')).toBe('2');
    expect(await property('a', 'NRestarts')).toBe('0');
  });

  test('ends all its processes when it stops, also those that ignore SIGTERM', async () => {
    unit('a', `ExecStart=/bin/sh -c "trap '' TERM; sleep 100 & echo child $!; wait"\nTimeoutStopSec=300ms`);
    await systemctl('start', 'a');
    const child = await until('the child', async () => /child (\d+)/.exec(await journal('a'))?.[1]);
    await systemctl('stop', 'a');
    expect(alive(Number(child))).toBe(false);
  });

  test('has one file as standard input and output, not emptied, and its StateDirectory', async () => {
    mkdirSync(join(root, 'run'));
    writeFileSync(join(root, 'run/report'), '..........');
    unit(
      'a',
      'StandardInput=file:/run/report\nStandardOutput=file:/run/report\nStandardError=journal\n' +
        'StateDirectory=x/y\nStateDirectoryMode=0750\n' +
        'ExecStart=/bin/sh -c "printf 12; printf 34 >&0; echo journal >&2; exec sleep 100"',
    );
    await systemctl('start', 'a');
    await until('its words', async () => (await journal('a')).includes('journal'));
    expect(readFileSync(join(root, 'run/report'), 'utf8')).toBe('1234......');
    expect(statSync(join(root, 'var/lib/x/y')).mode & 0o777).toBe(0o750);
  });

  test('whose standard input cannot be opened ends with status 208', async () => {
    unit('a', 'StandardInput=file:/run/none/x\nStandardOutput=file:/run/none/x\nExecStart=/bin/true');
    await systemctl('start', 'a');
    await when('a', 'ExecMainStatus', '208');
  });

  test('that a signal has stopped ends when it is asked to', async () => {
    unit('a', 'ExecStart=/bin/sleep 100');
    await systemctl('start', 'a');
    process.kill(Number(await property('a', 'MainPID')), 'SIGSTOP');
    const began = performance.now();
    await systemctl('stop', 'a');
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(await property('a', 'ActiveState')).toBe('inactive');
  });

  test('runs with its drop-ins, its RuntimeDirectory and a program of the VM before one of the machine', async () => {
    mkdirSync(join(root, 'bin'));
    writeFileSync(
      join(root, 'bin/true'),
      '#!/bin/sh\necho "mine $WORD $FLOWER_CONTEXT_ROOT"; ls -d $FLOWER_CONTEXT_ROOT/run/x; exec sleep 100\n',
      { mode: 0o755 },
    );
    unit('a', 'ExecStart=/bin/true\nRuntimeDirectory=x');
    mkdirSync(join(root, 'etc/systemd/system/a.service.d'), { recursive: true });
    writeFileSync(
      join(root, 'etc/systemd/system/a.service.d/x.conf'),
      '[Service]\nEnvironment=WORD=dropped-in\n',
    );
    await systemctl('start', 'a');
    await until('its words', async () =>
      (await journal('a')).includes(`mine dropped-in ${root}\n${root}/run/x`),
    );
  });

  test('writes to the journal with the priority that a line begins with', async () => {
    unit('a', 'ExecStart=/bin/sh -c "echo \'<3>bad\'; echo good >&2; exec sleep 100"');
    await systemctl('start', 'a');
    await until('two lines', async () => (await journal('a')).includes('good'));
    const { stdout } = await run(join(root, 'usr/bin/journalctl'), ['-u', 'a', '-o', 'json']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
    expect(lines.map(({ PRIORITY, MESSAGE }) => [PRIORITY, MESSAGE])).toEqual(
      expect.arrayContaining([
        ['3', 'bad'],
        ['6', 'good'],
      ]),
    );
  });

  test('that does not exist is not-found and inactive, and cannot be started', async () => {
    expect((await systemctl('show', 'nobody', '-p', 'LoadState,ActiveState')).stdout).toBe(
      'LoadState=not-found\nActiveState=inactive\n',
    );
    expect(await systemctl('start', 'nobody')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('not found'),
    });
  });
});

describe('the supervisor', () => {
  test.each([
    ['SIGTERM', (one: ChildProcess) => one.kill('SIGTERM')],
    ['a power cut', (one: ChildProcess) => one.kill('SIGUSR1')],
    ['SIGKILL', (one: ChildProcess) => one.kill('SIGKILL')],
    ['the end of who started it', (one: ChildProcess) => one.stdin!.end()],
  ])('ends each main process at %s', async (_title, end) => {
    unit('a', `ExecStart=/bin/sh -c "echo pid $$; exec sleep 100"`);
    await systemctl('start', 'a');
    const pid = Number(await until('the pid', async () => /pid (\d+)/.exec(await journal('a'))?.[1]));
    expect(alive(pid)).toBe(true);
    end(supervisor);
    await until('the process to be gone', () => !alive(pid));
  });

  test('ends at once also a process that has left its session', async () => {
    writeFileSync(join(root, 'astray'), '#!/bin/sh\necho pid $$\nexec sleep 100\n', { mode: 0o755 });
    unit('a', 'ExecStart=/bin/sh -c "setsid $FLOWER_CONTEXT_ROOT/astray & wait"');
    await systemctl('start', 'a');
    const pid = Number(await until('the pid', async () => /pid (\d+)/.exec(await journal('a'))?.[1]));
    await endWith(supervisor, 'SIGUSR1');
    expect(alive(pid)).toBe(false);
  });
});
