// Problem codes, lint codes and exit codes: what can be searched for.

import { CATALOGUE } from '../../src/core/catalogue.ts';
import { EXIT_MEANING } from '../../src/core/exit.ts';
import { CODES } from '../../src/templates/lint/codes.ts';

const KINDS = {
  fatal: 'ends the boot, or the command',
  degraded: 'the boot goes on without it',
  warning: 'is told, nothing else',
} as const;

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function problemReference(): string {
  const rows = Object.entries(CATALOGUE).map(
    ([code, { title, severity, remedy }]) =>
      `| ${code} | ${KINDS[severity]} | ${cell(title)} | ${cell(remedy)} |`,
  );
  return [
    '## Problem codes',
    'A problem has a code that does not change: it is `FL_ERROR` on OneGate, and stands in the journal and in `flower-context status`.',
    ['| Code | What happens | What it means | What to do |', '|---|---|---|---|', ...rows].join('\n'),
  ].join('\n\n');
}

export function exitReference(): string {
  const rows = Object.entries(EXIT_MEANING).map(([status, meaning]) => `| ${status} | ${meaning} |`);
  return [
    '## Exit status of `flower-context`',
    ['| Status | Meaning |', '|---|---|', ...rows].join('\n'),
  ].join('\n\n');
}

export function lintReference(): string {
  const sections = Object.entries(CODES).map(
    ([code, { severity, title, why }]) =>
      `### ${code}\n\n${severity === 'error' ? 'Error' : 'Warning'}: ${title}.\n\n${why}`,
  );
  return [
    '# What lint finds',
    '`flower-context lint FILE` reads a OneFlow service template of OpenNebula 6 or 7 and tells all of these in one run, each with its line and the line that mends it. A role counts as the SuperLink or as SuperNodes by its name, else by the variables it is asked for.',
    ...sections,
  ].join('\n\n');
}
