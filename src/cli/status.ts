import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { problemLines, readStatus, type Status } from '../report/status.ts';
import { demandVm, untilStatus } from './await-status.ts';
import { defineCommand } from './command.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'shows every step of the boot with its state and time, what is waited for, and what is wrong',
  args: [],
  options: {
    json: { description: 'the status file as it is' },
    wait: { description: 'first wait until the boot is over, one way or the other' },
  },
  examples: [
    ['flower-context status', 'where the boot is'],
    ['flower-context status --wait', 'the same, once it is over; exit status 0 only when ready'],
    ['flower-context status --json', 'for a program'],
  ],
  async run(invocation) {
    demandVm(invocation.machine);
    const found = invocation.flag('wait')
      ? await untilStatus(invocation.machine, ({ phase }) => phase !== 'booting')
      : readStatus(invocation.machine.paths.status);
    if (found === undefined) {
      print(
        invocation.flag('json')
          ? 'null\n'
          : 'The agent has not run since this VM started. Start it: systemctl start flower-context\n',
      );
      return EXIT.notReady;
    }
    print(
      invocation.flag('json')
        ? `${JSON.stringify(found, null, 2)}\n`
        : describe(found, invocation.machine.clock.now()),
    );
    return found.phase === 'ready' ? EXIT.good : found.phase === 'failed' ? EXIT.failed : EXIT.notReady;
  },
});

const MARK = {
  pending: ' ',
  running: '>',
  done: '+',
  kept: '=',
  degraded: '~',
  failed: '!',
  skipped: '-',
} as const;

function describe(found: Status, now: Date): string {
  const resume = found.steps.find((step) => !['done', 'kept', 'degraded', 'skipped'].includes(step.state));
  const width = Math.max(0, ...found.steps.map((step) => step.title.length));
  return [
    `${found.role ?? 'no role yet'}: ${found.phase}${found.serving ? ', serving' : ''} (${found.boot} boot, since ${found.started_at})`,
    '',
    ...found.steps.map((step) =>
      `  ${MARK[step.state]} ${step.title.padEnd(width)}  ${step.state.padEnd(8)} ${step.ms === null ? '' : `${step.ms} ms`.padStart(12)}  ${step.note ?? ''}`.trimEnd(),
    ),
    '',
    ...Object.entries(found.facts).map(
      ([name, value]) => `  ${name}: ${Array.isArray(value) ? value.join(', ') : value}`,
    ),
    ...(found.waiting === null
      ? []
      : [
          '',
          `waiting for ${found.waiting.for} since ${seconds(found.waiting.since, now)} s${found.waiting.until === null ? ', without end' : `, until ${found.waiting.until}`}`,
          `  check: ${found.waiting.check}`,
        ]),
    ...found.problems.flatMap((problem) => [
      '',
      ...problemLines(problem).map((line, at) => (at === 0 ? `${problem.kind}: ${line}` : line)),
    ]),
    ...(resume === undefined ? [] : ['', `a resume would start at: ${resume.title} (${resume.id})`]),
    '',
  ].join('\n');
}

const seconds = (since: string, now: Date): number =>
  Math.max(0, Math.round((now.getTime() - Date.parse(since)) / 1000));
