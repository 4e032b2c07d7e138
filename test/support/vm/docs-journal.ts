// The journal of a successful boot as docs/operate.md shows it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../zone/vm.ts';

const PAGE = join(REPOSITORY, 'docs/operate.md');
const BLOCK =
  /(<!-- The journal of a boot in a test: `make e2e DOCS=1` writes it\. -->\n```\n)([\s\S]*?)(\n```)/;

export function journalInDocs(): string {
  return BLOCK.exec(readFileSync(PAGE, 'utf8'))?.[2] ?? '';
}

export function renewJournal(journal: string): void {
  writeFileSync(
    PAGE,
    readFileSync(PAGE, 'utf8').replace(BLOCK, (_, head, _old, tail) => `${head}${journal}${tail}`),
  );
}

/**
 * What two good boots have in common: their lines without times. Steps that run side by side end in any order, and a wait
 * is said only when it lasts.
 */
export const shapeOf = (journal: string): string[] =>
  journal
    .split('\n')
    .filter((line) => !line.includes('waiting for'))
    .map((line) =>
      line
        .replace(/^\w{3} \d\d \d\d:\d\d:\d\d \S+ /, '')
        .replaceAll(/\[\d+\]:/g, '[PID]:')
        .replaceAll(/\b\d+(\.\d+)? m?s\b/g, 'TIME')
        .replaceAll(/\b\d\d:\d\d:\d\d\b/g, 'TIME')
        .replaceAll(/\b\d+ (variables|names)\b/g, 'N $1')
        // Whichever of the two was faster.
        .replace(', pre-started process took the plan', ''),
    )
    .sort();
