import { CATALOGUE, type ProblemCode } from '../core/catalogue.ts';
import { EXIT } from '../core/exit.ts';
import { defineCommand, didYouMean, UsageError } from './command.ts';
import { columns, heading, printJson, printText, style, whole, wrap } from './terminal.ts';

const SEVERITY = {
  fatal: 'the boot or the command ends',
  degraded: 'the boot continues without it',
  warning: 'reported only',
} as const;

export const explain = defineCommand({
  name: 'explain',
  summary: 'Explain a problem code: cause, detection, reaction, remedy',
  args: ['[CODE]'],
  options: { json: { description: 'print one JSON object, or a list without CODE' } },
  text: 'The code is in the journal, in `flower-context status` and in FL_ERROR on OneGate. Without CODE, all codes are listed.',
  examples: [
    ['flower-context explain', 'List all codes'],
    ['flower-context explain ca_mismatch', 'Explain one code'],
  ],
  async run({ args: [wanted], flag }) {
    const codes = Object.keys(CATALOGUE) as ProblemCode[];
    if (wanted === undefined) {
      if (flag('json')) printJson(codes.map(pageOf));
      else printText(columns(codes.map((code) => [code, CATALOGUE[code].title])).join('\n'));
      return EXIT.ok;
    }
    const code = codes.find((one) => one === wanted.trim().toLowerCase());
    if (code === undefined)
      throw new UsageError(`unknown problem code '${wanted.slice(0, 80)}'${didYouMean(wanted, codes)}`);
    if (flag('json')) printJson(pageOf(code));
    else printText(render(code));
    return EXIT.ok;
  },
});

function pageOf(code: ProblemCode) {
  const { title, severity, remedy, about, found, agent, where } = CATALOGUE[code];
  return { code, title, kind: severity, remedy, about, found, agent, look: where };
}

function render(code: ProblemCode): string {
  const { title, severity, remedy, about, found, agent, where } = CATALOGUE[code];
  return [
    ...wrap(title, `${style(severity, code)} - `, '  '),
    `  ${severity}: ${SEVERITY[severity]}`,
    ...[
      ['What it means', about],
      ['How it is found', found],
      ['What the agent does', agent],
      ['What to do', `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`],
    ].flatMap(([title = '', text = '']) => [heading(title), ...wrap(text, '  ')]),
    heading('Where to look'),
    ...where.map((line) => `  ${whole(line)}`),
  ].join('\n');
}
