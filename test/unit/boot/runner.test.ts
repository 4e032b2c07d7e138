import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Checkpoint } from '../../../src/boot/checkpoint.ts';
import { runSteps } from '../../../src/boot/runner.ts';
import type { Step, StepResult, StepTools } from '../../../src/boot/step.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { realClock } from '../../../src/core/clock.ts';
import { Problem } from '../../../src/core/problem.ts';
import { realMachine } from '../../../src/host/machine.ts';
import { openJournal } from '../../../src/report/journal.ts';
import { Report } from '../../../src/report/report.ts';
import { readStatus } from '../../../src/report/status.ts';
import { parseImage } from '../../../src/vm/image.ts';
import { UNTROUBLED } from '../../support/agent-states.ts';

let folder: string;
let lines: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runner-'));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const statusFile = (): string => join(folder, 'status.json');
const checkpointFile = (): string => join(folder, 'checkpoint.json');

/** Every step gives its own id. */
interface Outputs {
  read_context: string;
  validate: string;
  announce_booting: string;
  prepare_directories: string;
  certificates: string;
  await_fleet_api: string;
  publish: string;
}
type Id = keyof Outputs;
type Result = Omit<StepResult<string>, 'output'>;

const step = (
  id: Id,
  needs: Id[],
  run: (tools: StepTools, outputs: Outputs) => Promise<Result>,
  inputs?: () => unknown,
): Step<Outputs> => ({
  id,
  title: id,
  needs,
  run: async (outputs, tools) => ({ output: id, ...(await run(tools, outputs)) }),
  ...(inputs === undefined ? {} : { inputs }),
});

const IMAGE = parseImage(
  JSON.stringify({ role: 'superlink', flower: { version: BAKED_FLOWER, framework: 'none' } }),
);

/** The status once the report has written it, in the next turn of the event loop. */
const written = async () => {
  await new Promise(setImmediate);
  return readStatus(statusFile());
};

async function runAll(steps: Step<Outputs>[], signal = new AbortController().signal) {
  const checkpoint = new Checkpoint(checkpointFile(), new Date());
  const journal = openJournal((line) => lines.push(line), true);
  const report = new Report({ path: statusFile(), journal, clock: realClock, resumed: !checkpoint.empty });
  report.begin('superlink', steps);
  const result = await runSteps({
    steps,
    machine: realMachine(folder),
    image: IMAGE,
    checkpoint,
    report,
    signal,
    contextRead: () => {},
    notServing: () => {},
    waitsWithoutEnd: () => {},
    repeatLater: () => {},
    supervision: UNTROUBLED,
    superLinkMoved: () => {},
  });
  return { ...result, checkpoint, report };
}

const disk = (): Problem =>
  new Problem('state_unwritable', { doing: 'writing x', found: 'the disk is full' });

describe('the runner', () => {
  test('runs independent steps side by side', async () => {
    const order: string[] = [];
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await runAll([
      step('read_context', [], async () => ({})),
      step('announce_booting', ['read_context'], async () => {
        await gate;
        order.push('announced');
        return {};
      }),
      step('certificates', ['read_context'], async () => {
        order.push('certified');
        release();
        return {};
      }),
    ]);
    expect(order).toEqual(['certified', 'announced']);
  });

  test('starts no step that needs a failed one, interrupts the steps that run, and names the failed step', async () => {
    let ran = false;
    const { problem } = await runAll([
      step('read_context', [], async () => {
        throw disk();
      }),
      step('validate', ['read_context'], async () => {
        ran = true;
        return {};
      }),
      step('announce_booting', [], (tools) =>
        tools.machine.clock.sleep(60_000, tools.signal).then(() => ({})),
      ),
    ]);
    expect(ran).toBe(false);
    expect(problem?.code).toBe('state_unwritable');
    const states = (await written())?.steps.map(({ state }) => state);
    expect(states).toEqual(['failed', 'pending', 'skipped']);
  });

  test('passes to a step the outputs of its needs and no others', async () => {
    let passed: object = {};
    const { outputs } = await runAll([
      step('read_context', [], async () => ({})),
      step('validate', ['read_context'], async () => ({})),
      step('certificates', ['validate'], async (_, given) => {
        passed = given;
        return {};
      }),
    ]);
    expect(passed).toEqual({ validate: 'validate' });
    expect(Object.keys(outputs)).toEqual(['read_context', 'validate', 'certificates']);
  });

  test('takes a warning back that only held until Flower served, and no other one', async () => {
    const warning = (found: string): Problem =>
      new Problem('superlink_unreachable', { doing: 'checking', found, severity: 'warning' });
    const shown: (string[] | undefined)[] = [];
    const look = async (): Promise<unknown> =>
      shown.push((await written())?.problems.map(({ found }) => found));
    await runAll([
      step('validate', [], async (tools) => {
        tools.warn(warning('refused'), 'Flower serves');
        tools.warn(warning('lasting'));
        await look();
        return {};
      }),
      {
        ...step('await_fleet_api', ['validate'], async () => {
          await look();
          return {};
        }),
        provesServing: true,
      },
    ]);
    await look();
    expect(shown).toEqual([['refused', 'lasting'], ['refused', 'lasting'], ['lasting']]);
  });

  test('keeps such a warning when Flower did not come to serve', async () => {
    const serves = step('await_fleet_api', ['validate'], async () => {
      throw disk();
    });
    await runAll([
      step('validate', [], async (tools) => {
        tools.warn(new Problem('superlink_unreachable', { doing: 'x', found: 'refused' }), 'Flower serves');
        return {};
      }),
      { ...serves, provesServing: true },
    ]);
    expect((await written())?.problems.map(({ found }) => found)).toContain('refused');
  });

  test('reports one cause that made several steps fail as one problem that names all of them', async () => {
    const full = (doing: string) => async (): Promise<Result> => {
      throw new Problem('state_unwritable', { doing, found: 'the disk is full' });
    };
    const { problem } = await runAll([
      step('certificates', [], full('writing a')),
      step('announce_booting', [], full('writing b')),
      step('prepare_directories', [], full('writing a')),
    ]);
    expect(problem?.all.map(({ message }) => message)).toEqual(['writing a and writing b: the disk is full']);
  });

  test('reports all problems of steps that fail side by side', async () => {
    const { problem } = await runAll([
      step('certificates', [], async () => {
        throw disk();
      }),
      step('announce_booting', [], async () => {
        throw new Problem('onegate_unreachable', { doing: 'publishing', found: 'nothing' });
      }),
    ]);
    expect(problem?.all.map(({ code }) => code).sort()).toEqual(['onegate_unreachable', 'state_unwritable']);
  });

  test('turns an unexpected error into internal_error with its message', async () => {
    const { problem } = await runAll([
      step('validate', [], async () => {
        throw new TypeError('x is not a function');
      }),
    ]);
    expect(problem?.code).toBe('internal_error');
    expect(problem?.message).toContain('x is not a function');
  });

  test('passes `unchanged` to a step only when it succeeded before with the same inputs', async () => {
    const changes: boolean[] = [];
    const once = (inputs: unknown) =>
      runAll([
        step(
          'certificates',
          [],
          async ({ unchanged }) => {
            changes.push(unchanged);
            return {};
          },
          () => inputs,
        ),
      ]);
    await once({ names: ['a'] });
    await once({ names: ['a'] });
    await once({ names: ['b'] });
    expect(changes).toEqual([false, true, false]);
  });

  test('forgets a finished step before it runs with other inputs, so that a kill in between leaves it undone', async () => {
    const run = (inputs: unknown, during: () => void) =>
      runAll([
        step(
          'certificates',
          [],
          async () => {
            during();
            return {};
          },
          () => inputs,
        ),
      ]);
    await run(1, () => {});
    let seen: unknown;
    await run(2, () => {
      seen = JSON.parse(readFileSync(checkpointFile(), 'utf8'));
    });
    expect(seen).toMatchObject({ steps: {} });
    expect((seen as { steps: object }).steps).not.toHaveProperty('certificates');
  });

  test('saves finished steps with each step that must be saved at once, and the others at the end', async () => {
    const onDisk = (): string[] =>
      existsSync(checkpointFile())
        ? Object.keys((JSON.parse(readFileSync(checkpointFile(), 'utf8')) as { steps: object }).steps)
        : [];
    const seen: string[][] = [];
    const look = async (): Promise<Result> => {
      seen.push(onDisk());
      return {};
    };
    await runAll([
      step('read_context', [], look, () => 1),
      { ...step('prepare_directories', ['read_context'], look), keeps: true },
      step('certificates', ['prepare_directories'], look, () => 1),
    ]);
    expect(seen).toEqual([[], [], ['read_context']]);
    expect(onDisk()).toEqual(['read_context', 'certificates']);
  });

  test('fails when the checkpoint cannot be written', async () => {
    const blockTheWay = async (): Promise<Result> => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, '');
      return {};
    };
    const { problem } = await runAll([step('read_context', [], blockTheWay, () => 1)]);
    expect(problem?.code).toBe('state_unwritable');
  });

  test('does not record a step that failed', async () => {
    const { checkpoint } = await runAll([
      step(
        'certificates',
        [],
        async () => {
          throw disk();
        },
        () => 1,
      ),
    ]);
    expect(checkpoint.has('certificates', 1)).toBe(false);
  });

  test('does not record a degraded step, which the next boot tries again', async () => {
    const seen: boolean[] = [];
    const degraded = (tools: StepTools): Promise<Result> => {
      seen.push(tools.unchanged);
      tools.degrade(disk());
      return Promise.resolve({});
    };
    await runAll([step('publish', [], degraded, () => 'same')]);
    await runAll([step('publish', [], degraded, () => 'same')]);
    expect(seen).toEqual([false, false]);
    expect((await written())?.steps.map(({ state }) => state)).toEqual(['degraded']);
  });

  test('ends as interrupted, without a failed step, when the agent is asked to stop', async () => {
    const stop = new AbortController();
    const { problem } = await runAll(
      [
        step('await_fleet_api', [], (tools) => {
          stop.abort();
          return tools.machine.clock.sleep(60_000, tools.signal).then(() => ({}));
        }),
      ],
      stop.signal,
    );
    expect(problem?.code).toBe('interrupted');
  });

  test('logs a line for each step with its number, result, duration and note', async () => {
    await runAll([
      step('read_context', [], async () => ({ note: '12 variables' })),
      step('certificates', ['read_context'], async () => ({ kept: true })),
    ]);
    expect(lines[0]).toMatch(/^<6>\[1\/2\] read_context: done in \d+ ms - 12 variables\n$/);
    expect(lines[1]).toMatch(/^<6>\[2\/2\] certificates: kept in \d+ ms\n$/);
  });
});

describe('the checkpoint', () => {
  test.each([
    ['cut off', '{"version":1,"steps":{"validate":'],
    ['of something else', '{"version":2,"steps":{"validate":{"fingerprint":"x","at":"y"}}}'],
  ])(
    'quarantines a file that is %s, reports its new path, and starts without finished steps',
    (_what, text) => {
      writeFileSync(checkpointFile(), text);
      const now = new Date('2026-11-21T06:00:00Z');
      const checkpoint = new Checkpoint(checkpointFile(), now);
      expect(checkpoint.damage?.code).toBe('state_damaged');
      expect(checkpoint.damage?.facts.remedy).toContain('checkpoint.json.damaged-');
      expect(checkpoint.empty).toBe(true);
      expect(readFileSync(`${checkpointFile()}.damaged-2026-11-21T060000.000Z`, 'utf8')).toContain(
        'validate',
      );
    },
  );

  test('reports its damage to the first boot of the agent and to no later one', () => {
    writeFileSync(checkpointFile(), 'damaged');
    const checkpoint = new Checkpoint(checkpointFile(), new Date());
    expect(checkpoint.takeDamage()?.code).toBe('state_damaged');
    expect(checkpoint.takeDamage()).toBeUndefined();
  });

  test('forgets steps but not the claimed partition', () => {
    const checkpoint = new Checkpoint(checkpointFile(), new Date());
    checkpoint.record('certificates', 1, new Date());
    checkpoint.rememberPartition({ id: 3, of: 5 });
    checkpoint.forget();
    const again = new Checkpoint(checkpointFile(), new Date());
    expect(again.has('certificates', 1)).toBe(false);
    expect(again.partition).toEqual({ id: 3, of: 5 });
  });
});
