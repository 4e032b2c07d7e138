import { CATALOGUE, entryOf, type ProblemCode } from '../core/catalogue.ts';
import { closestMatch } from '../core/closest-match.ts';
import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { PAGES } from '../report/pages/index.ts';
import { type Command, columns, UsageError } from './command.ts';

const KINDS = {
  fatal: 'fatal: it ends the boot, or the command',
  degraded: 'degraded: the boot goes on without it',
  warning: 'warning: it is told, nothing else',
} as const;

export const explain: Command = {
  name: 'explain',
  summary:
    'tells what a problem code means, how it is found, what the agent does about it, and what you can do',
  args: ['[CODE]'],
  options: { json: { description: 'for a program: one object, or a list without CODE' } },
  text: 'CODE is what stands in the journal, in `flower-context status` and in FL_ERROR on OneGate. Without it: all codes.',
  examples: [
    ['flower-context explain', 'all codes, a line each'],
    ['flower-context explain ca_mismatch', 'the page of one'],
  ],
  async run({ args, flag }) {
    const [wanted] = args;
    const codes = Object.keys(CATALOGUE) as ProblemCode[];
    if (wanted === undefined) {
      print(flag('json') ? toJson(codes.map(pageOf)) : `${list(codes)}\n`);
      return EXIT.good;
    }
    const code = codes.find((one) => one === wanted.trim().toLowerCase());
    if (code === undefined) {
      const meant = closestMatch(wanted, codes);
      throw new UsageError(
        `there is no problem code '${wanted.slice(0, 80)}'${meant === undefined ? '; without CODE all are listed' : `; did you mean ${meant}?`}`,
      );
    }
    print(flag('json') ? toJson(pageOf(code)) : render(code));
    return EXIT.good;
  },
};

const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const pageOf = (code: ProblemCode) => {
  const { severity, ...entry } = entryOf(code);
  return { code, ...entry, kind: severity, ...PAGES[code] };
};

const list = (codes: readonly ProblemCode[]): string =>
  columns(codes.map((code) => [code, entryOf(code).title] as const)).join('\n');

function render(code: ProblemCode): string {
  const { title, kind, remedy, about, found, agent, look } = pageOf(code);
  const section = (name: string, text: string): string => `${name}\n${wrapped(`${text}.`)}`;
  return `${[
    `${code} - ${title}`,
    `  ${KINDS[kind]}`,
    '',
    section('What it means', about),
    section('How it is found', found),
    section('What the agent does', agent),
    section('What to do', remedy),
    ['Where to look', ...look.map((place) => `  ${place}`)].join('\n'),
  ].join('\n')}\n`;
}

const WIDTH = 98;

/** Lines of at most WIDTH characters, indented; a word is never broken. */
function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && `${last} ${word}`.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines.join('\n');
}
