// The loop of `flower-context run`, without a machine: what each outcome of a boot leads to.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bootAndWatch } from '../../../src/agent/boot-and-watch.ts';
import type { BootOutcome } from '../../../src/boot/boot.ts';
import { Knowledge } from '../../../src/boot/knowledge.ts';
import type { StepId } from '../../../src/boot/step.ts';
import type { ProblemCode } from '../../../src/core/catalogue.ts';
import { realClock } from '../../../src/core/clock.ts';
import { EXIT } from '../../../src/core/exit.ts';
import { Problem } from '../../../src/core/problem.ts';
import { openJournal } from '../../../src/report/journal.ts';
import { Report } from '../../../src/report/report.ts';

let folder: string;
let report: Report;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-'));
  report = new Report({
    path: join(folder, 'status.json'),
    journal: openJournal(() => {}, false),
    clock: realClock,
    resumed: false,
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const GOOD: BootOutcome = { known: new Knowledge(), failure: undefined };
const failed = (step: StepId, code: ProblemCode): BootOutcome => ({
  known: new Knowledge(),
  failure: { step, problem: new Problem(code, { doing: 'x', found: 'y' }) },
});
const WRONG = failed('validate', 'config_validation_failed');

/** Lives through `outcomes`, one boot each; the watch wakes after each, and the agent is asked to stop after the last. */
async function through(
  outcomes: readonly BootOutcome[],
  { serving = false, corrected = [] as readonly boolean[] } = {},
) {
  report.serving(serving);
  const said: string[] = [];
  const left = [...outcomes];
  const differs = [...corrected];
  const status = await bootAndWatch({
    report,
    signal: new AbortController().signal,
    watch: {
      contextChanged: () => new AbortController().signal,
      contextDiffers: () => differs.shift() ?? false,
      untilSomethingChanged: async () => {
        said.push('watch');
        return left.length > 0 ? 'something changed' : undefined;
      },
      end: () => {},
    },
    boot: async () => {
      said.push('boot');
      return left.shift()!;
    },
    tellReady: () => said.push('READY=1'),
    endWaitingFlower: async () => void said.push('stop Flower'),
  });
  return { status, said };
}

test('the agent notifies systemd once that it is ready, after the first boot that succeeds', async () => {
  expect(await through([GOOD, GOOD])).toEqual({
    status: EXIT.good,
    said: ['boot', 'READY=1', 'watch', 'boot', 'watch'],
  });
});

test('a boot that fails ends the agent, which systemd starts again, and does not end a Flower that waits', async () => {
  expect(await through([failed('certificates', 'state_unwritable')])).toEqual({
    status: EXIT.failed,
    said: ['boot'],
  });
});

test('a wrong CONTEXT ends the agent without a restart, and the Flower that waits for a plan', async () => {
  expect(await through([WRONG])).toEqual({ status: EXIT.badContext, said: ['boot', 'stop Flower'] });
});

test.each([
  ['before', [true], ['boot', 'boot', 'READY=1', 'watch']],
  ['while', [false, true], ['boot', 'stop Flower', 'boot', 'READY=1', 'watch']],
])(
  'a CONTEXT that is corrected %s the agent ends is read at once: systemd drops a reload then',
  async (_, corrected, said) => {
    expect(await through([WRONG, GOOD], { corrected })).toEqual({ status: EXIT.good, said });
  },
);

test('a boot that is interrupted by a changed CONTEXT is begun again at once', async () => {
  expect(await through([failed('discover_superlink', 'interrupted'), GOOD])).toEqual({
    status: EXIT.good,
    said: ['boot', 'boot', 'READY=1', 'watch'],
  });
});

test('what serves is not taken down by a look that fails', async () => {
  expect(await through([GOOD, WRONG], { serving: true })).toEqual({
    status: EXIT.good,
    said: ['boot', 'READY=1', 'watch', 'boot', 'watch'],
  });
});

test('each boot gets a signal that a change of the CONTEXT aborts', async () => {
  const signals = [new AbortController(), new AbortController()];
  const given: AbortSignal[] = [];
  const stop = new AbortController();
  let looks = 0;
  await bootAndWatch({
    report,
    signal: stop.signal,
    watch: {
      contextChanged: () => signals[looks++]!.signal,
      contextDiffers: () => false,
      untilSomethingChanged: async () => 'something changed',
      end: () => {},
    },
    boot: async (interrupt) => {
      given.push(interrupt);
      if (given.length === 2) stop.abort();
      return GOOD;
    },
    tellReady: () => {},
    endWaitingFlower: async () => {},
  });
  expect(given).toEqual(signals.map(({ signal }) => signal));
});
