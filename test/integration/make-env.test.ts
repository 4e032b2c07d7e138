// make-env.sh with a stub of Python that waits where the real one would download for minutes.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { until } from '../support/zone/process.ts';

const SCRIPT = join(import.meta.dirname, '../../appliance/flower/make-env.sh');

let root = '';
let started: ChildProcess[] = [];
const log = (): string[] =>
  existsSync(join(root, 'log')) ? readFileSync(join(root, 'log'), 'utf8').trim().split('\n') : [];

/** Python as far as make-env.sh uses it; pip logs its start, and ends when the file `go` exists. */
const PYTHON = `#!/bin/sh
case "$*" in
  '-I -m venv '*) echo venv >>LOG; mkdir -p "$4/bin" "$4/lib"; cp "$0" "$4/bin/python" ;;
  *' install '*) echo pip >>LOG; printf %s "$TMPDIR" >TEMP; while [ ! -e GO ]; do sleep 0.02; done; : >"\${0%/bin/python}/installed"; echo installed >>LOG ;;
esac
`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flower-make-env-'));
  const python = join(root, 'python3');
  writeFileSync(
    python,
    PYTHON.replaceAll('LOG', join(root, 'log'))
      .replaceAll('GO', join(root, 'go'))
      .replace('TEMP', join(root, 'temp')),
  );
  chmodSync(python, 0o755);
});
afterEach(async () => {
  writeFileSync(join(root, 'go'), '');
  for (const child of started)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  started = [];
  rmSync(root, { recursive: true, force: true });
});

function make(name: string): ChildProcess {
  const env = { ...process.env, PYTHON: join(root, 'python3'), BUILD_USER: userInfo().username };
  const child = spawn(SCRIPT, [BAKED_FLOWER, 'none', join(root, 'envs', name)], { stdio: 'ignore', env });
  started.push(child);
  return child;
}

const noted = (line: string, times: number): Promise<unknown> =>
  until(`${times} x ${line}`, () => log().filter((one) => one === line).length === times || undefined);

/** Waits until it waits for the other; also ends when it does not, because then it creates the environment. */
const held = ({ pid }: ChildProcess): Promise<unknown> =>
  until('the second to wait', () => {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean);
    const names = children.map((child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim());
    return names.includes('flock') || log().filter((line) => line === 'venv').length > 1 || undefined;
  });

const endOf = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
};

describe('two at once for the same folder', () => {
  it('run one after the other, and the second finds the result of the first', async () => {
    const first = make('one');
    await noted('pip', 1);
    const second = make('one');
    await held(second);
    writeFileSync(join(root, 'go'), '');
    expect([await endOf(first), await endOf(second)]).toEqual([0, 0]);
    expect(log()).toEqual(['venv', 'pip', 'installed']);
    expect(existsSync(join(root, 'envs/one/.complete'))).toBe(true);
    expect(existsSync(join(root, 'envs/one/.incomplete'))).toBe(false);
  });

  it('the second begins only when the pip of a killed first has ended', async () => {
    const first = make('one');
    await noted('pip', 1);
    first.kill('SIGKILL');
    await endOf(first);
    const second = make('one');
    await held(second);
    expect(log()).toEqual(['venv', 'pip']);
    writeFileSync(join(root, 'go'), '');
    expect(await endOf(second)).toBe(0);
    expect(log()).toEqual(['venv', 'pip', 'installed', 'venv', 'pip', 'installed']);
    expect(existsSync(join(root, 'envs/one/.complete'))).toBe(true);
  });
});

it('pip works beside the new environment, on the disk whose free space was checked, and leaves nothing there', async () => {
  const made = join(root, 'envs/one');
  writeFileSync(join(root, 'go'), '');
  expect(await endOf(make('one'))).toBe(0);
  const temporary = readFileSync(join(root, 'temp'), 'utf8');
  expect(dirname(temporary)).toBe(made);
  expect(existsSync(temporary)).toBe(false);
});
