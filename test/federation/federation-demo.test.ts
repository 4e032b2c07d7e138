// `make demo`, as a person runs it: to its end, and cut off by Ctrl-C at several moments.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../support/zone/process.ts';
import { NET } from '../support/zone/test-zone.ts';
import { NODE, REPOSITORY } from '../support/zone/vm.ts';

interface Demo {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
  readonly folder: () => string | undefined;
}

function demo(): Demo {
  const child = spawn(NODE, [join(REPOSITORY, 'test/demo/demo.ts')], {
    env: { ...process.env, DEMO_NET: NET, KEEP: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += data));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { process: child, output: () => text, ended, folder: () => /zone in (\S+):/.exec(text)?.[1] };
}

/** Command lines of processes that have to do with a folder. */
function processesOf(folder: string): string[] {
  const of = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => `${of(pid, 'cmdline')} ${of(pid, 'environ')}`.includes(folder))
    .map((pid) => of(pid, 'cmdline'));
}

test('starts a federation, trains three rounds with both nodes, reports, and leaves no process or file', async () => {
  const { ended, output, folder } = demo();
  const code = await ended;
  expect(code, output()).toBe(0);
  for (const sentence of [
    /partition 0 of 2/,
    /partition 1 of 2/,
    /certificate for .*IP:127\.\d+\.1\.2/,
    /endpoint 127\.\d+\.1\.2:9092, TLS on/,
    /keepalive in force: every 60 s, answer within 20 s/,
    /^ +1 +2 .*\n +2 +2 .*\n +3 +2 /m,
    /3 rounds in [\d.]+ s, [\d.]+ s in all/,
  ]) {
    expect(output()).toMatch(sentence);
  }
  expect(processesOf(folder()!)).toEqual([]);
  expect(existsSync(folder()!)).toBe(false);
});

describe('Ctrl-C', () => {
  test.each([
    ['while the SuperLink boots', /superlink_0 +read the CONTEXT/],
    ['while the SuperNodes boot', /supernode_\d +find the SuperLink/],
    ['while it trains', /flwr: .*ROUND 1/],
  ])('%s leaves no process and no folder', async (_title, moment) => {
    const { process: child, ended, output, folder } = demo();
    await until(`${moment}`, () => moment.test(output()), { timeoutMs: 90_000, detail: output });
    child.kill('SIGINT');
    expect(await ended, output()).toBe(130);
    await until('the end of every process', () => processesOf(folder()!).length === 0, {
      timeoutMs: 5_000,
      detail: () => processesOf(folder()!).join('\n'),
    });
    expect(existsSync(folder()!)).toBe(false);
  });

  test('leaves no process when SIGKILL ends the demo itself', async () => {
    const { process: child, ended, output, folder } = demo();
    await until('a SuperNode', () => /supernode_\d +find the SuperLink/.test(output()), {
      timeoutMs: 90_000,
      detail: output,
    });
    // Nobody is left to remove it.
    onTestFinished(() => rmSync(folder()!, { recursive: true, force: true }));
    child.kill('SIGKILL');
    await ended;
    await until('the end of every process', () => processesOf(folder()!).length === 0, {
      timeoutMs: 10_000,
      detail: () => processesOf(folder()!).join('\n'),
    });
  });
});
