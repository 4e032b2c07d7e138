import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import type { Machine } from '../host/machine.ts';
import { type Life, lifeLines, lifeOf, notServing, writerOf } from '../report/life.ts';
import { problemLines, type Status, statusOrProblem, statusProblem } from '../report/status.ts';
import { describePending } from './apply.ts';
import { demandVm, untilFile, watchLife } from './await-status.ts';
import { defineCommand } from './command.ts';
import { fits, heading, printJson, printText, style, wrap } from './terminal.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'Show boot steps, current wait and open problems',
  args: [],
  options: {
    json: { description: 'print the status file, with `agent` and `flower` as they are at this moment' },
    wait: { description: 'wait until the boot has succeeded or failed' },
  },
  text: 'The agent writes a status file. The command asks systemd whether the agent that wrote it still runs, and whether Flower serves at this moment.\n\nExit status 0: ready, and both are so. 1: the boot failed. 3: anything else; the first lines say what.',
  examples: [
    ['flower-context status', 'Show the current state'],
    ['flower-context status --wait', 'Wait for the end of the boot'],
    ['flower-context status --json', 'The same for a program'],
  ],
  async run({ machine, flag }) {
    demandVm(machine);
    const found = flag('wait') ? await untilBooted(machine) : statusOrProblem(machine.paths.status);
    const life = await lifeOf(machine, found);
    if (flag('json')) printJson(forProgram(found, life));
    else printText(describe(found, life, machine.clock.now()));
    if (found instanceof Problem || found === undefined) return EXIT.notReady;
    if (found.phase === 'failed') return EXIT.failed;
    return found.phase === 'ready' && servesNow(found, life) ? EXIT.ok : EXIT.notReady;
  },
});

/** Ends when the boot of the agent that runs is over, or when no agent is going to start one. */
function untilBooted(machine: Machine): Promise<Status | Problem | undefined> {
  const { status: path } = machine.paths;
  const watch = watchLife(machine);
  const over = async (found: Status | Problem | undefined): Promise<boolean> => {
    const life = await watch(found);
    if (found === undefined) return false;
    if (found instanceof Problem || found.phase === 'failed') return true;
    if (life !== undefined) return ['stopped', 'failed', 'ended'].includes(life.agent.state);
    return writerOf(found)?.stopped === false && found.phase !== 'booting';
  };
  return untilFile(machine, { path, read: () => statusOrProblem(path) }, over);
}

/** What the file says of a moment ago, if agent and Flower still are as they were then. */
const servesNow = ({ serving }: Status, { agent, flower }: Life): boolean =>
  serving && agent.running && flower?.serving === true;

/** The status file; `serving` is corrected. Without a readable file its members are missing, `phase` is null. */
function forProgram(found: Status | Problem | undefined, life: Life): object {
  if (found !== undefined && !(found instanceof Problem))
    return { ...found, serving: servesNow(found, life), ...life };
  const problems = found === undefined ? [] : found.all.map(statusProblem);
  return { version: 1, phase: null, serving: false, problems, ...life };
}

const MARK = {
  pending: [' '],
  running: ['>'],
  done: ['+', 'ok'],
  kept: ['=', 'ok'],
  degraded: ['~', 'degraded'],
  failed: ['!', 'fatal'],
  skipped: ['-'],
} as const;

function describe(found: Status | Problem | undefined, life: Life, now: Date): string {
  const dead = life.agent.running ? [] : lifeLines(life, now);
  if (found instanceof Problem) return [...dead, ...problemLines(statusProblem(found))].join('\n');
  if (found === undefined) return dead.join('\n');
  if (dead.length === 0)
    return [...describeFlower(found, life, now), describeStatus(found, life, now)].join('\n');
  const [first = '', ...rest] = dead;
  const before = `What it wrote last, at ${found.updated_at}:`;
  return [style('fatal', first), ...rest, '', before, '', describeStatus(found, life, now)].join('\n');
}

/** The agent says that this VM serves, and has not noticed yet that Flower does not. */
function describeFlower({ serving }: Status, { flower }: Life, now: Date): string[] {
  if (!serving || flower === null || flower.serving) return [];
  return [style('fatal', notServing(flower, now)), ''];
}

function describeStatus(found: Status, life: Life, now: Date): string {
  const { role, phase, boot, started_at, steps, facts, waiting, pending, problems } = found;
  const resume = steps.find(({ state }) => !['done', 'kept', 'degraded', 'skipped'].includes(state));
  const width = Math.max(0, ...steps.map(({ title }) => title.length));
  return [
    `${heading(`${role ?? 'no role yet'}: ${phase}${servesNow(found, life) ? ', serving' : ''}`)} (${boot} boot, since ${started_at})`,
    '',
    ...steps.flatMap((step) => stepLines(step, width)),
    '',
    ...Object.entries(facts).map(
      ([name, value]) => `  ${name}: ${Array.isArray(value) ? value.join(', ') : value}`,
    ),
    ...(waiting === null
      ? []
      : [
          '',
          `waiting for ${waiting.for} since ${seconds(waiting.since, now)} s, ${waiting.until === null ? 'without limit' : `until ${waiting.until}`}`,
          `  check: ${waiting.check}`,
        ]),
    ...(pending === null ? [] : ['', ...describePending(pending)]),
    ...problems.flatMap((problem) => {
      const [first, ...rest] = problemLines(problem);
      return ['', `${style(problem.kind, problem.kind)}: ${first}`, ...rest];
    }),
    ...(resume === undefined ? [] : ['', `a resume would start at: ${resume.title} (${resume.id})`]),
  ].join('\n');
}

/** One line for a step; its note follows on the same line if the line is long enough for it. */
function stepLines({ title, state, ms, note }: Status['steps'][number], width: number): string[] {
  const [sign, colour] = MARK[state];
  const mark = colour === undefined ? sign : style(colour, sign);
  const line = `  ${mark} ${title.padEnd(width)}  ${state.padEnd(8)} ${(ms === null ? '' : `${ms} ms`).padStart(9)}`;
  if (note === null) return [line];
  const full = `${line}  ${note}`;
  return fits(full) ? [full] : [line, ...wrap(note, '      ')];
}

const seconds = (since: string, now: Date): number =>
  Math.max(0, Math.round((now.getTime() - Date.parse(since)) / 1000));
