// Hostile contexts through the built program, as an attacker could supply them: each gives a correct plan or a clear
// refusal; nothing is executed, no secret is printed, nothing is written. These few show that the program does what its
// functions do; test/unit/config/hostile-plan.test.ts holds the functions to all contexts.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderContextSh } from '../support/context-sh.ts';
import { faultIn, hostileContexts, listing, spread } from '../support/hostile.ts';
import { run, until } from '../support/zone/process.ts';
import { superlink, temporaryFolder } from '../support/zone/test-zone.ts';
import { NODE, SHIPPED } from '../support/zone/vm.ts';

const WANTED = 20;
const AT_ONCE = 3;

describe.each(['superlink', 'supernode'] as const)('hostile contexts of a %s', (role) => {
  test(`${WANTED} of them give a plan or a refusal and have no other effect`, async () => {
    const folder = temporaryFolder();
    const canary = join(folder, 'canary');
    const [root, home, input] = ['root', 'home', 'input'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const folder of [root, home, input]) mkdirSync(folder);
    const before = [...listing(root), ...listing(home)];
    const todo = spread(hostileContexts({ role, canary }), WANTED).map((context, index) => ({
      context,
      file: join(input, `${index}.sh`),
    }));
    expect(todo.some(({ context }) => context.large)).toBe(true);
    const wrong: string[] = [];
    const counts = new Map<number, number>();
    const work = async (): Promise<void> => {
      for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
        const { context, file } = next;
        writeFileSync(file, renderContextSh(context.raw));
        const outcome = await run(NODE, [SHIPPED, '--root', root, 'plan', file, '--role', role, '--json'], {
          cwd: home,
          env: { PATH: '/usr/bin:/bin', HOME: home },
        });
        counts.set(outcome.code, (counts.get(outcome.code) ?? 0) + 1);
        const fault = existsSync(canary) ? 'something was executed' : faultIn(context, outcome);
        if (fault !== undefined) wrong.push(`${context.name}: ${fault}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(wrong).toEqual([]);
    expect([...listing(root), ...listing(home)]).toEqual(before);
    // Both outcomes occur, or the test would prove nothing.
    expect(counts.get(0)).toBeGreaterThan(WANTED / 10);
    expect(counts.get(2)).toBeGreaterThan(WANTED / 10);
  });
});

test('a boot with shell code in each unknown variable serves, and executes none of it', async () => {
  const folder = temporaryFolder();
  const canary = join(folder, 'canary');
  const payloads = [
    `$(touch ${canary})`,
    `\`touch ${canary}\``,
    `"; touch ${canary}; echo "`,
    `'; touch ${canary}; '`,
    `x\nEVIL='$(touch ${canary})'`,
  ];
  const carriers = [
    'START_SCRIPT',
    'SSH_PUBLIC_KEY',
    'PASSWORD',
    'USER_DATA',
    'SET_HOSTNAME',
    'LD_PRELOAD',
    'NODE_OPTIONS',
    'PYTHONPATH',
    'BASH_ENV',
  ];
  const context = Object.fromEntries(
    carriers.map((name, index) => [name, payloads[index % payloads.length]!]),
  );
  const { vm } = await superlink(context);
  await vm.whenReady();
  expect(existsSync(canary)).toBe(false);
  const plan = readFileSync(vm.at('run/flower-context/plan.json'), 'utf8');
  expect(plan).not.toContain('touch');
  const { stdout } = await vm.cli('context', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ SET_HOSTNAME: payloads[4] });
  await until('the environment of Flower', async () => (await vm.unit('flower-superlink')).MainPID !== '0');
  const environment = readFileSync(`/proc/${(await vm.unit('flower-superlink')).MainPID}/environ`, 'utf8');
  expect(environment).not.toContain('touch');
});
