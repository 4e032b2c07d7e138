// What a soak run prints and writes: the table of faults, and each contradiction with the lines of the journals around it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../bench/statistics.ts';
import { REPOSITORY } from '../support/zone/vm.ts';
import type { Contradiction, Outage } from './judge.ts';
import { FAULT_KINDS } from './schedule.ts';

/** Lines of a journal, and when they were written, in seconds since the begin of the observation. */
export interface Journal {
  readonly vm: string;
  readonly lines: readonly { readonly at: number; readonly text: string }[];
}

/** What the probe itself makes Flower write. */
const OF_THE_PROBE = /ListNodes|list-nodes|PullMessages/;

/** From `journalctl -o short-unix`. `began`: seconds since 1970. */
export function parseJournal(vm: string, text: string, began: number): Journal {
  const lines = text.split('\n').flatMap((line) => {
    const [, at, rest] = /^(\d+\.\d+) \S+ (.*)$/.exec(line) ?? [];
    return at === undefined || OF_THE_PROBE.test(rest!) ? [] : [{ at: Number(at) - began, text: rest! }];
  });
  return { vm, lines };
}

const BEFORE = 20;
const AFTER = 10;
const MOST = 40;

/** A contradiction for a person, with what the VM wrote shortly before it began and until it was found. */
export function explain(
  { rule, vm, from, to, what }: Contradiction,
  journals: readonly Journal[],
  superlink: string,
): string {
  const around = journals.filter((journal) => vm.includes(journal.vm) || journal.vm === superlink);
  const quoted = around.flatMap((journal) => {
    const lines = journal.lines.filter(({ at }) => at >= from - BEFORE && at <= to + AFTER);
    const shown =
      lines.length <= MOST ? lines : [...lines.slice(0, MOST / 2), undefined, ...lines.slice(-MOST / 2)];
    return [
      `  ${journal.vm}:`,
      ...shown.map((line) => (line === undefined ? '    ...' : `    ${line.at.toFixed(1)} s  ${line.text}`)),
    ];
  });
  return [`${rule} on ${vm}, ${from.toFixed(1)} s to ${to.toFixed(1)} s: ${what}`, ...quoted].join('\n');
}

const range = (values: readonly (number | undefined)[]): string => {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return '-';
  const [middle, worst] = [median(known), Math.max(...known)];
  return known.length === 1 ? `${Math.round(worst)} s` : `${Math.round(middle)} s (${Math.round(worst)} s)`;
};

/** A row for each kind of fault that happened: medians, and the worst in brackets. */
export function tableOf(outages: readonly Outage[]): string {
  const rows = FAULT_KINDS.flatMap((kind) => {
    const own = outages.filter((outage) => outage.kind === kind);
    if (own.length === 0) return [];
    const cells = (['noticed', 'withdrawn', 'again'] as const).map((name) =>
      range(own.map((outage) => outage[name])),
    );
    return [`| ${kind} | ${own.length} | ${cells.join(' | ')} |`];
  });
  return [
    '| Fault | Times | `status` says so after | OneGate shows it after | All serve again after |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

export interface Summary {
  readonly minutes: number;
  readonly seed: number;
  readonly federations: readonly number[];
  readonly faults: number;
  readonly contradictions: number;
  readonly load: number;
}

const PAGE = join(REPOSITORY, 'docs/operate.md');
const BLOCK =
  /(<!-- Figures of outages: `make soak DOCS=1` writes them\. -->\n)([\s\S]*?)(<!-- end of figures of outages -->)/;

/** The figures as docs/operate.md has them. */
export function figures(outages: readonly Outage[], summary: Summary): string {
  const { minutes, seed, federations, faults, contradictions, load } = summary;
  return [
    `\`make soak SEED=${seed} MINUTES=${minutes}\`: ${faults} faults on federations of ${federations.join(' and of ')} SuperNodes, all on one machine`,
    `that was ${load.toFixed(1)} times as slow as a quiet one. Contradictions between the probe, \`status\`, \`ready\` and OneGate: ${contradictions}.`,
    'A time is the median, with the worst in brackets; the last column begins at the end of the fault. `-`: nothing was to be seen.',
    '',
    tableOf(outages),
    '',
  ].join('\n');
}

/** The page with other figures. */
export function withFigures(page: string, text: string): string {
  if (!BLOCK.test(page)) throw new Error('the page has no markers for the figures of outages');
  return page.replace(BLOCK, (_, head, _old, tail) => `${head}${text}${tail}`);
}

export const renewFigures = (text: string): void =>
  writeFileSync(PAGE, withFigures(readFileSync(PAGE, 'utf8'), text));
