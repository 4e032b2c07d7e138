// The colours of a terminal, and the guard that lets nothing else of its commands pass.
import { isatty } from 'node:tty';
import { inspect } from 'node:util';
import { plainLine } from '../core/text.ts';

/** Replaces a space inside a value. No argument, file name or message contains it. */
export const FIXED_SPACE = '\0';

export const STYLES = {
  heading: 'bold',
  ok: 'green',
  degraded: 'yellow',
  warning: 'yellow',
  problem: 'red',
  error: 'red',
  fatal: 'red',
} as const;

/** What style() puts around a text. */
const OWN_STYLE = new RegExp(
  `(${Object.values(STYLES)
    .flatMap((name) => inspect.colors[name]!)
    .map((code) => `\\x1b\\[${code}m`)
    .join('|')})`,
);

export type Stream = 'stdout' | 'stderr';

export const hasColours = (stream: Stream): boolean =>
  isatty(stream === 'stdout' ? 1 : 2) && !process.env['NO_COLOR'];

/** One line as a terminal may get it: of all control characters only our own colours and marks, where there are colours. */
export const guarded = (line: string, stream: Stream): string =>
  line
    .split(OWN_STYLE)
    .map((part, at) =>
      at % 2 === 1 && hasColours(stream) ? part : part.split(FIXED_SPACE).map(plainLine).join(FIXED_SPACE),
    )
    .join('');
