// The rounds of a run, from the log of its ServerApp: docs/facts.md, "run-log". The lines are those of Flower's strategies.
// Pure. The log is text of the app: an app can print any line, and a ClientApp's error is part of the log.
import { stripVTControlCharacters } from 'node:util';
import { describe, holdsSecret, plain } from '../core/text.ts';

export type Kind = 'train' | 'evaluate';

/** One question to the SuperNodes of a round. */
interface Step {
  readonly kind: Kind;
  /** How many SuperNodes were asked. */
  readonly asked: number;
  readonly results: number;
}

export interface Tally {
  readonly rounds: number;
  readonly asked: number;
  readonly results: number;
  /** `node 123: text`, plain, without secrets; undefined: Flower has logged none. */
  readonly firstError: string | undefined;
}

export interface NodesWanted {
  readonly online: number;
  readonly needed: number;
}

// Not at the begin of a line: an app may have printed a text without a newline. FLWR_LOG_LEVEL=DEBUG adds the time.
const LEVEL = '(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) {1,8}(?:\\d{4}-\\d\\d-\\d\\d [\\d:,]{8,12})?: {1,12}';
const SAMPLED = new RegExp(
  `${LEVEL}configure_(train|fit|evaluate): (?:Sampled|strategy sampled) (\\d{1,9}) (?:nodes|clients) \\(out of \\d{1,9}\\)$`,
);
const RECEIVED = new RegExp(
  `${LEVEL}aggregate_(train|fit|evaluate): [Rr]eceived (\\d{1,9}) results and (\\d{1,9}) failures$`,
);
const ROUND = new RegExp(`${LEVEL}\\[ROUND \\d{1,9}(?:/\\d{1,9})?\\]$`);
const ERROR = new RegExp(`${LEVEL}\\s?(?:> )?Received error in reply from node (\\d{1,20}): (.*)$`);
const WAITING = new RegExp(
  `${LEVEL}Waiting for nodes to connect: (\\d{1,9}) connected \\(minimum required: (\\d{1,9})\\)\\.$`,
);
const ANY = new RegExp(`^${LEVEL}`);

/** So much of the text of an error is kept. */
const MOST_OF_AN_ERROR = 300;

/** The text of a line without colours, as the functions of this file take it. */
export const logText = (line: string): string => stripVTControlCharacters(line).trimEnd();

/** The SuperNodes that the strategy waits for, when the line says so. Flower repeats it each second. */
export function waitingIn(text: string): NodesWanted | undefined {
  const [, online, needed] = WAITING.exec(text) ?? [];
  return online === undefined ? undefined : { online: Number(online), needed: Number(needed) };
}

/** Whether the line says that SuperNodes were asked. */
export const asksNodes = (text: string): boolean => SAMPLED.test(text);

/** Reads one log from its first line to its last. */
export class RoundLog {
  readonly #steps: Step[] = [];
  readonly #errors: Partial<Record<Kind, string>> = {};
  /** The last step, until the next round begins. */
  #current: Step | undefined;
  /** The kind of the error whose text may go on in the next line. */
  #open: Kind | undefined;

  add(line: string): void {
    const text = logText(line);
    const sampled = SAMPLED.exec(text);
    const received = RECEIVED.exec(text);
    const error = ERROR.exec(text);
    if (sampled !== null) this.#begin({ kind: kindOf(sampled[1]!), asked: Number(sampled[2]), results: 0 });
    else if (received !== null) this.#end(kindOf(received[1]!), Number(received[2]), Number(received[3]));
    else if (ROUND.test(text)) this.#current = undefined;
    if (error !== null) this.#error(`node ${error[1]}: ${error[2]}`);
    else if (this.#open !== undefined && !ANY.test(text)) this.#append(this.#open, text);
    else this.#open = undefined;
  }

  /** Undefined when the log has no such step. */
  tally(kind: Kind): Tally | undefined {
    const steps = this.#steps.filter((step) => step.kind === kind);
    if (steps.length === 0) return undefined;
    const sum = (of: 'asked' | 'results'): number => steps.reduce((total, step) => total + step[of], 0);
    const error = this.#errors[kind];
    return {
      rounds: steps.length,
      asked: sum('asked'),
      results: sum('results'),
      firstError: error && (holdsSecret(error) ? describe(error) : plain(error, MOST_OF_AN_ERROR)),
    };
  }

  #begin(step: Step): void {
    this.#steps.push(step);
    this.#current = step;
  }

  /** A wrapper for differential privacy logs the same replies twice: they are those of one step. */
  #end(kind: Kind, results: number, failures: number): void {
    const before = this.#current?.kind === kind ? this.#current : undefined;
    if (before !== undefined) this.#steps.pop();
    // Nodes without any reply are neither results nor failures.
    this.#begin({ kind, asked: Math.max(before?.asked ?? 0, results + failures), results });
  }

  /** Of the step that the log is at. The wrapper for differential privacy logs errors before it counts. */
  #error(text: string): void {
    const kind = this.#current?.kind;
    this.#open = undefined;
    if (kind === undefined || this.#errors[kind] !== undefined) return;
    this.#errors[kind] = text.slice(0, 4 * MOST_OF_AN_ERROR);
    this.#open = kind;
  }

  #append(kind: Kind, text: string): void {
    const before = this.#errors[kind]!;
    if (before.length < 4 * MOST_OF_AN_ERROR)
      this.#errors[kind] = `${before} ${text.slice(0, 4 * MOST_OF_AN_ERROR)}`;
  }
}

const kindOf = (name: string): Kind => (name === 'evaluate' ? 'evaluate' : 'train');

/** What decides on a completed run: its training, or its evaluation when nothing was trained. */
export const judged = (log: RoundLog): Tally | undefined => log.tally('train') ?? log.tally('evaluate');

/** `rounds 3: results 5 of 6; evaluation: results 6 of 6`; undefined without rounds. */
export function countsOf(log: RoundLog): string | undefined {
  const count = (name: string, of: Tally | undefined): string[] =>
    of === undefined ? [] : [`${name}: results ${of.results} of ${of.asked}`];
  const [train, evaluate] = [log.tally('train'), log.tally('evaluate')];
  const parts = [...count(`rounds ${train?.rounds}`, train), ...count('evaluation', evaluate)];
  return parts.length === 0 ? undefined : parts.join('; ');
}
