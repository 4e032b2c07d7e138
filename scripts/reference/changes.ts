// What a change does to a run, from the parts of a launch plan.
import { PART_NAMES, PARTS, type Part } from '../../src/boot/parts.ts';
import { ALL_NAMES, rowOf, type VariableName } from '../../src/config/table.ts';

const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

const INTERRUPTS = 'is interrupted at once';
const WAITS = 'goes on: the change waits';

function effectOf({ waits, unless }: Part): string {
  if (unless !== undefined) return `${INTERRUPTS}; goes on ${unless}`;
  return waits ? WAITS : INTERRUPTS;
}

/** Markdown: a row for each part, and one for what restarts nothing. */
export function changesTable(): string {
  const parts: readonly Part[] = PART_NAMES.map((name) => PARTS[name]);
  const named = new Set<VariableName>(parts.flatMap(({ variables }) => variables));
  const others = ALL_NAMES.filter((name) => !named.has(name) && rowOf(name).level !== 'infrastructure');
  const rows = [
    ...parts.map((part) => [part.when ?? part.what, code(part.variables) || '-', effectOf(part)]),
    ['a new package that starts Flower in another way', '-', WAITS],
    ['any other setting', code(others), 'goes on: Flower is not restarted'],
  ];
  return [
    '| Change | Variables | A run |',
    '|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}
