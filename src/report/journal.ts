// What a person reads in `journalctl -u flower-context`. pino makes and levels the records and writes the JSON form;
// the text form is ours: systemd's <priority>, then a sentence.
import pino from 'pino';
import type { Problem } from '../core/problem.ts';
import { plain, plainJson, plainLines } from '../core/text.ts';
import { print } from '../host/output.ts';
import { problemLines, statusProblem } from './status.ts';

const PINO_LEVEL = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const;
/** pino's number -> syslog's (man sd-daemon). */
const PRIORITY: Record<number, number> = { 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 };

type Level = 'debug' | 'info' | 'warn' | 'error';

export interface Journal extends Readonly<Record<Level, (text: string, data?: object) => void>> {
  /** A problem with its cause, what was expected and the remedy, each on a line of its own. */
  problem(problem: Problem): void;
  /** Sets level and format, once the CONTEXT is read. */
  configure(options: { level: keyof typeof PINO_LEVEL; format: 'text' | 'json' }): void;
}

/** Writes to a stream-like sink; the default is standard output, synchronously, so that no line is lost at exit. */
export function openJournal(
  write: (line: string) => void = print,
  prefixed = process.stdout.isTTY !== true,
): Journal {
  let format: 'text' | 'json' = 'text';
  const destination = {
    write(record: string): void {
      const { level, msg } = JSON.parse(record) as { level: number; msg: string };
      const prefix = prefixed ? `<${PRIORITY[level] ?? 6}>` : '';
      write(format === 'json' ? `${prefix}${plainJson(record)}` : `${msg.replaceAll(/^/gm, prefix)}\n`);
    },
  };
  const log = pino({ base: null, level: 'info', timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return {
    // A line break that is not ours would begin a line with a priority of its choice.
    debug: (text, data) => log.debug(data ?? {}, plainLines(text)),
    info: (text, data) => log.info(data ?? {}, plainLines(text)),
    warn: (text, data) => log.warn(data ?? {}, plainLines(text)),
    error: (text, data) => log.error(data ?? {}, plainLines(text)),
    problem(problem) {
      for (const one of problem.all) {
        const level = one.severity === 'fatal' ? 'error' : 'warn';
        log[level](
          { code: one.code, variable: one.facts.variable },
          plainLines(describeProblem(one).join('\n')),
        );
      }
    },
    configure(options) {
      log.level = PINO_LEVEL[options.level];
      format = options.format;
    },
  };
}

/** A problem as lines for a person, with what the operating system said below it. */
export function describeProblem(problem: Problem): string[] {
  const causes: string[] = [];
  for (let at: unknown = problem.facts.cause; at instanceof Error && causes.length < 4; at = at.cause)
    if (at.message !== problem.facts.found) causes.push(plain(at.message));
  return problemLines(statusProblem(problem), causes);
}
