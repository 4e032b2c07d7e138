import { EXIT } from '../core/exit.ts';
import { problemLines, readStatus, type Status } from '../report/status.ts';
import { describePending } from './apply.ts';
import { demandVm, untilFile } from './await-status.ts';
import { defineCommand } from './command.ts';
import { fits, heading, printJson, printText, style, wrap } from './terminal.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'Show boot steps, current wait and open problems',
  args: [],
  options: {
    json: { description: 'print the status file as it is' },
    wait: { description: 'wait until the boot has succeeded or failed' },
  },
  text: 'Exit status 0: ready. 1: the boot failed. 3: not ready yet.',
  examples: [
    ['flower-context status', 'Show the current state'],
    ['flower-context status --wait', 'Wait for the end of the boot'],
    ['flower-context status --json', 'The same for a program'],
  ],
  async run({ machine, flag }) {
    demandVm(machine);
    const path = machine.paths.status;
    const read = (): Status | undefined => readStatus(path);
    const found = flag('wait')
      ? await untilFile(machine, { path, read }, ({ phase }) => phase !== 'booting')
      : read();
    if (flag('json')) printJson(found ?? null);
    else if (found === undefined)
      printText('The agent has not run since this VM started. Start it: `systemctl start flower-context`');
    else printText(describe(found, machine.clock.now()));
    return found?.phase === 'ready' ? EXIT.ok : found?.phase === 'failed' ? EXIT.failed : EXIT.notReady;
  },
});

const MARK = {
  pending: [' '],
  running: ['>'],
  done: ['+', 'ok'],
  kept: ['=', 'ok'],
  degraded: ['~', 'degraded'],
  failed: ['!', 'fatal'],
  skipped: ['-'],
} as const;

function describe(found: Status, now: Date): string {
  const { role, phase, boot, started_at, steps, facts, waiting, pending, problems } = found;
  const resume = steps.find(({ state }) => !['done', 'kept', 'degraded', 'skipped'].includes(state));
  const width = Math.max(0, ...steps.map(({ title }) => title.length));
  return [
    `${heading(`${role ?? 'no role yet'}: ${phase}${found.serving ? ', serving' : ''}`)} (${boot} boot, since ${started_at})`,
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
