// `flower-context submit` judges a run by its rounds: real Flower, two SuperNodes, an app whose settings say which part fails.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type RunResult, run } from '../../src/host/process.ts';
import { patience } from '../support/load.ts';
import type { Federation } from '../support/zone/federation.ts';
import { zone } from '../support/zone/test-zone.ts';
import { REPOSITORY, type Vm } from '../support/zone/vm.ts';

const APP = join(REPOSITORY, 'test/support/rounds-app');

/** Starts a run with these settings; `onLine` may act while it is followed. */
function submit(
  vm: Vm,
  settings: string,
  options: readonly string[] = [],
  onLine: (line: string) => void = () => undefined,
): Promise<RunResult> {
  const args = ['submit', '--declared-only', ...options, APP, '--', '--run-config', settings];
  return run(vm.at('usr/bin/flower-context'), args, { onLine, timeoutMs: patience(300_000) });
}

const count = (text: string, line: string): number => text.split(line).length - 1;

/** The process with this in its environment (undefined: anything), and this argument. */
function processWith(variable: string | undefined, argument: string, parent?: number): number {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');
        const ofParent =
          parent === undefined || read('stat').split(') ')[1]!.split(' ')[1] === String(parent);
        const hasVariable = variable === undefined || read('environ').split('\0').includes(variable);
        return (
          ofParent &&
          hasVariable &&
          read('cmdline')
            .split('\0')
            .some((one) => one.endsWith(argument))
        );
      } catch {
        return false;
      }
    });
  if (found === undefined) throw new Error(`no process of ${argument}`);
  return found;
}

describe.each(['1.39.0', '1.31.0'])('rounds on Flower %s', (version) => {
  let federation: Federation;
  let vm: Vm;
  const cleaning: (() => void | Promise<void>)[] = [];
  beforeAll(async () => {
    federation = zone({ supernodes: 2, superlink: { FL_NUM_ROUNDS: '2' }, flower: { version } }, (clean) => {
      cleaning.push(clean);
    });
    await federation.up(90_000);
    vm = federation.superlink;
    return async () => {
      for (const clean of cleaning.splice(0).reverse()) await clean();
    };
  });

  // covers run_without_result
  test('a ClientApp that raises in every round: exit status 4, with its error', async () => {
    const { code, stdout, stderr } = await submit(vm, 'train="raise" min-available-clients=2');
    expect(stdout).toMatch(/^run \d+: completed after/m);
    expect(stdout).toContain('\nrounds 2: results 0 of 4; evaluation: results 4 of 4\n');
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(
      /run_without_result: counting the results of run \d+: 0 results of 4 in 2 rounds; first error: node \d+: <class 'ValueError'>:<'no data in \/srv\/b'>/,
    );
    expect(code).toBe(4);
  });

  test('one of two nodes raises, and all in the evaluation: two warnings, exit status 0', async () => {
    const { code, stdout, stderr } = await submit(
      vm,
      'train="raise 0" evaluate="raise" min-available-clients=2',
    );
    expect(stdout).toContain('\nrounds 2: results 2 of 4; evaluation: results 0 of 4\n');
    const words = stderr.replaceAll(/\s+/g, ' ');
    expect(words).toMatch(
      /warning: 2 of 4 results of the training are missing; first error: node \d+: <class 'ValueError'>/,
    );
    expect(words).toContain('warning: 4 of 4 results of the evaluation are missing; first error: node');
    expect(code).toBe(0);
  });

  test('an app without a strategy of Flower: its status decides, and submit says so', async () => {
    const print = String.raw`print="no newline at the end\u001b]0;title\u0007 x"`;
    const { code, stdout, stderr } = await submit(
      vm,
      `strategy="none" ${print.replaceAll('\\', '\\\\\\\\')}`,
    );
    expect(stderr).toContain('its log shows no rounds');
    expect(stdout).toContain('no newline at the end');
    expect(`${stdout}${stderr}`).not.toMatch(/[^\P{Cc}\n]/u);
    expect(code).toBe(0);
  });

  // covers run_timed_out
  test('--timeout stops a run that waits for a third SuperNode, and submit names what is missing', async () => {
    const seconds = Math.ceil(patience(25_000) / 1_000);
    const { code, stdout, stderr } = await submit(vm, 'min-available-clients=3', [
      '--timeout',
      String(seconds),
    ]);
    expect(stderr).toContain('waiting for SuperNodes: 2 of 3 online');
    expect(stderr).toContain('SuperNode VMs of the service: 2, all ready.');
    expect(count(stderr, 'waiting for SuperNodes')).toBeLessThanOrEqual(1 + seconds / 60);
    expect(count(stdout, 'Waiting for nodes to connect')).toBe(1);
    expect(stderr).toMatch(
      /run_timed_out: following run \d+: not finished after \d+ s; now\s+finished:stopped/,
    );
    expect(code).toBe(5);
  });

  test('a log that breaks off is taken up again where it was, and counted once', async () => {
    let cut = false;
    const { code, stdout } = await submit(vm, 'train="raise 0" min-available-clients=2', [], (line) => {
      if (cut || !line.includes('configure_evaluate')) return;
      cut = true;
      process.kill(processWith(`FLWR_HOME=${vm.at('run/flower-context/flwr')}`, '--stream'), 'SIGKILL');
    });
    expect(cut).toBe(true);
    expect(count(stdout, '[ROUND 1/2]')).toBe(1);
    expect(count(stdout, '[ROUND 2/2]')).toBe(1);
    expect(stdout).toContain('\nrounds 2: results 2 of 4; evaluation: results 4 of 4\n');
    expect(code).toBe(0);
  });

  test('a run that the SuperLink does not start: submit says so, and follows it when it does', async () => {
    const superlink = Number((await vm.unit('flower-superlink')).MainPID);
    const superexec = processWith(undefined, 'flower-superexec', superlink);
    process.kill(superexec, 'SIGSTOP');
    try {
      const { code, stderr } = await submit(vm, 'strategy="none"', [], (line) => {
        if (/run \d+ is pending/.test(line)) process.kill(superexec, 'SIGCONT');
      });
      expect(stderr).toContain('no other run is active: check `flower-context doctor`');
      expect(code).toBe(0);
    } finally {
      process.kill(superexec, 'SIGCONT');
    }
  });

  test.runIf(version === '1.39.0')(
    'a SuperNode is lost in a round: a warning, and the next run names the VM until it is back',
    async () => {
      const [, node] = federation.supernodes as [Vm, Vm];
      const seen = federation.seenBy(node);
      let lost = false;
      const cut = await submit(
        vm,
        'train="sleep 20" num-server-rounds=1 min-available-clients=1',
        [],
        (line) => {
          if (lost || !line.includes('configure_train: Sampled 2 nodes')) return;
          lost = true;
          federation.zone.poweroff(seen);
        },
      );
      expect(cut.stdout).toContain('\nrounds 1: results 1 of 2; evaluation: results 1 of 1\n');
      expect(cut.stderr).toContain('warning: 1 of 2 results of the training are missing; first error: node');
      expect(cut.code).toBe(0);

      let resumed = false;
      const waited = await submit(vm, 'num-server-rounds=1 min-available-clients=2', [], (line) => {
        if (resumed || !line.includes(`VM ${seen.id} (role supernode): powered off`)) return;
        resumed = true;
        federation.zone.resume(seen);
      });
      expect(waited.stderr).toContain('waiting for SuperNodes: 1 of 2 online');
      expect(resumed).toBe(true);
      expect(waited.stdout).toContain('\nrounds 1: results 2 of 2; evaluation: results 2 of 2\n');
      expect(waited.code).toBe(0);
    },
  );
});
