import { EXIT } from '../core/exit.ts';
import { type CheckSeverity, examine, type Result } from '../doctor/check.ts';
import { CHECKS } from '../doctor/checks/index.ts';
import { takeSnapshot } from '../doctor/snapshot.ts';
import { defineCommand } from './command.ts';
import { printJson, printText, style, wrap } from './terminal.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Run health checks and print a remedy for each failure',
  args: [],
  options: { json: { description: 'print one JSON object with every check and its findings' } },
  text: 'Checks systemd, OneGate, Flower, certificates, clock and disk at the same time; each check has 5 s. Changes nothing and prints no secret. Run it as root.\n\nExit status 1: at least one problem. Warnings alone: 0.',
  examples: [
    ['flower-context doctor', 'Check this VM'],
    ['flower-context doctor --json', 'The same for a program'],
  ],
  async run({ machine, flag }) {
    const vm = await takeSnapshot(machine);
    const results = await examine(CHECKS, vm);
    const count = (verdict: CheckSeverity): number =>
      results.flatMap(({ findings }) => findings).filter(({ severity }) => severity === verdict).length;
    const [problems, warnings] = [count('problem'), count('warning')];
    if (flag('json')) {
      const checks = results.map(({ id, title, verdict, findings }) => ({
        id,
        title,
        verdict,
        findings: findings.map(({ severity, ...rest }) => ({ verdict: severity, ...rest })),
      }));
      const head = { version: 1, role: vm.role ?? null, at: vm.now.toISOString(), problems, warnings };
      printJson({ ...head, checks });
    } else printText([...render(results), '', summary(problems, warnings)].join('\n'));
    return problems === 0 ? EXIT.ok : EXIT.failed;
  },
});

const MARK = { ok: 'ok', warning: 'warning', problem: 'PROBLEM', none: '-' } as const;

function render(results: readonly Result[]): string[] {
  const width = Math.max(...results.map(({ title }) => title.length));
  const remedyIndent = ' '.repeat(MARK.problem.length + 2);
  const lines = results
    .filter(({ skipped }) => skipped === undefined)
    .flatMap(({ title, findings }) =>
      findings.flatMap(({ severity, found, remedy, code }, at) => {
        const mark = MARK[severity].padEnd(MARK.problem.length);
        const coloured = severity === 'none' ? mark : style(severity, mark);
        return [
          ...wrap(oneLine(found), `${coloured}  ${(at === 0 ? title : '').padEnd(width)}  `),
          ...(remedy === undefined ? [] : wrap(`what to do: ${remedy}`, remedyIndent, `${remedyIndent}  `)),
          ...(code === undefined ? [] : [`${remedyIndent}more: flower-context explain ${code}`]),
        ];
      }),
    );
  const reasons = results.flatMap(({ skipped: reason }) => reason ?? []);
  const skipped = [...new Set(reasons)].map(
    (reason) => `skipped: ${plural(reasons.filter((one) => one === reason).length, 'check')} (${reason})`,
  );
  return [...lines, ...skipped];
}

const summary = (problems: number, warnings: number): string =>
  problems + warnings === 0
    ? style('ok', 'no problems')
    : [plural(problems, 'problem'), plural(warnings, 'warning')].filter((text) => text !== '').join(', ');

const plural = (count: number, what: string): string =>
  count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`;

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' / ');
