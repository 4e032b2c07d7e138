// The ready script as one-context calls it: its duration and its exit status.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { patience } from '../support/load.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

let root: string;
const at = (name: string): string => join(root, name);
function program(name: string, does: string): void {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), `#!/bin/sh\n${does}\n`);
  chmodSync(at(name), 0o755);
}
/** What systemd says of one-context.service: activating in its run at boot, active ever after. */
const oneContextIs = (state: string): void => program('usr/bin/systemctl', `echo ${state}; exit 3`);
const agent = (does: string): void =>
  program('usr/bin/flower-context', `echo "$*" >>'${at('called')}'\n${does}`);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ready-script-'));
  const script = readFileSync(join(REPOSITORY, 'appliance/scripts/health-check.sh'), 'utf8');
  program(
    'health-check.sh',
    script.replaceAll(/ (?=\/run\/flower-context|\/usr\/bin\/(flower-context|systemctl) )/g, ` ${root}`),
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** One call, with the CONTEXT's variables around it. */
function call() {
  const began = performance.now();
  const { status } = spawnSync('/bin/sh', [at('health-check.sh')], {
    env: { PATH: '/evil', LANG: 'none' },
    stdio: 'ignore',
  });
  return { status, ms: performance.now() - began };
}
const timeouts = (): number[] =>
  [...readFileSync(at('called'), 'utf8').matchAll(/^ready --timeout (\d+)$/gm)].map(([, s]) => Number(s));

describe('the ready script', () => {
  test.each(['active', 'inactive', 'failed'])(
    'answers within two seconds when one-context.service is %s, also when the agent does not answer',
    (state) => {
      oneContextIs(state);
      agent('exec sleep 60');
      const { status, ms } = call();
      expect(status).not.toBe(0);
      expect(ms).toBeLessThan(2_000 + patience(500));
      expect(timeouts()).toEqual([1]);
    },
  );

  test('waits once in a boot and then answers at once, so that three calls do not delay one-context', () => {
    oneContextIs('activating');
    agent('exit 3');
    // The pauses of the stub that replaces the wait of the shell do not matter here.
    mkdirSync(at('run/flower-context'), { recursive: true });
    writeFileSync(at('run/flower-context/plan.json'), '');
    for (let calls = 0; calls < 3; calls++) expect(call().status).toBe(3);
    const [first, ...others] = timeouts();
    expect(first).toBeGreaterThan(5);
    expect(first).toBeLessThanOrEqual(18);
    expect(others).toEqual([1, 1]);
    // Another boot: /run is empty.
    rmSync(at('run'), { recursive: true });
    mkdirSync(at('run/flower-context'), { recursive: true });
    writeFileSync(at('run/flower-context/plan.json'), '');
    call();
    expect(timeouts().at(-1)).toBe(first);
  });

  test.each([0, 1, 3])("ends with the status of the agent's answer: %i", (status) => {
    for (const state of ['activating', 'active']) {
      oneContextIs(state);
      agent(`exit ${status}`);
      expect(call().status).toBe(status);
    }
  });
});
