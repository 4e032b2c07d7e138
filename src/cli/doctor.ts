import { EXIT } from '../core/exit.ts';
import { examine, type Result, type Verdict } from '../doctor/check.ts';
import { CHECKS } from '../doctor/checks/index.ts';
import { takeSnapshot } from '../doctor/snapshot.ts';
import { print } from '../host/output.ts';
import { defineCommand } from './command.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary:
    'looks at everything a person would look at on this VM: a line each, with what to do where it is not right',
  args: [],
  options: {
    json: { description: 'for a program: one object with every check and its findings' },
  },
  text: 'Asks systemd, OneGate, Flower and the disk, side by side; no check takes longer than 5 s. Nothing is changed, and no\nsecret is shown. Exit status 1 when there is a problem; warnings alone are 0. Run it as root.',
  examples: [
    ['flower-context doctor', 'what is not right here?'],
    ['flower-context doctor --json', 'for a program'],
  ],
  async run({ machine, flag }) {
    const scene = takeSnapshot(machine);
    const results = await examine(CHECKS, scene);
    const count = (verdict: Verdict): number =>
      results.flatMap(({ findings }) => findings).filter((one) => one.verdict === verdict).length;
    const [problems, warnings] = [count('problem'), count('warning')];
    if (flag('json')) {
      const document = {
        version: 1,
        role: scene.role ?? null,
        at: scene.now.toISOString(),
        problems,
        warnings,
      };
      print(`${JSON.stringify({ ...document, checks: results }, null, 2)}\n`);
    } else print(render(results, problems, warnings));
    return problems === 0 ? EXIT.good : EXIT.failed;
  },
});

const MARK: Record<Verdict, string> = { ok: 'ok', warning: 'warning', problem: 'PROBLEM', none: '-' };

function render(results: readonly Result[], problems: number, warnings: number): string {
  const width = Math.max(...results.map(({ title }) => title.length));
  const lines = results.flatMap(({ title, findings }) =>
    findings.flatMap(({ verdict, found, remedy, code }, index) => [
      `${MARK[verdict].padEnd(7)}  ${(index === 0 ? title : '').padEnd(width)}  ${oneLine(found)}`,
      ...(remedy === undefined ? [] : [`${' '.repeat(width + 11)}what to do: ${remedy}`]),
      ...(code === undefined ? [] : [`${' '.repeat(width + 11)}more: flower-context explain ${code}`]),
    ]),
  );
  return [...lines, '', summary(problems, warnings), ''].join('\n');
}

const summary = (problems: number, warnings: number): string =>
  problems + warnings === 0
    ? 'all is well'
    : [plural(problems, 'problem'), plural(warnings, 'warning')].filter((text) => text !== '').join(', ');

const plural = (count: number, what: string): string =>
  count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`;

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' / ');
