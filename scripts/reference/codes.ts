// Tables of problem codes, lint codes and exit statuses.

import { CATALOGUE } from '../../src/core/catalogue.ts';
import { EXIT_MEANING } from '../../src/core/exit.ts';
import { CODES } from '../../src/templates/lint/codes.ts';

const KINDS = {
  fatal: 'stops the boot or the command',
  degraded: 'the boot continues without it',
  warning: 'reported only',
} as const;

export const cell = (text: string): string => text.replaceAll('|', '\\|');

export function problemReference(): string {
  const rows = Object.entries(CATALOGUE).map(
    ([code, { title, severity, remedy }]) =>
      `| ${code} | ${KINDS[severity]} | ${cell(title)} | ${cell(remedy)} |`,
  );
  return [
    '## Problem codes',
    'The code of a problem does not change between releases. It is `FL_ERROR` on OneGate, and it is in the journal and in `flower-context status`.',
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
    '`flower-context lint FILE` checks a OneFlow service template of OpenNebula 6 or 7 and reports all findings in one run. Each finding has a JSONPath, and most have a line that corrects the template. The name of a role decides whether it is the SuperLink or SuperNodes; else its variables decide.',
    'OneFlow itself checks the structure of a template at `oneflow-template create`. Lint checks what OneFlow accepts and what fails later.',
    ...sections,
  ].join('\n\n');
}
