// The variables in the reference page, from the table.

import { ALIAS_PREFIX, ALL_NAMES, aliasOf, rowOf, type VariableName } from '../../src/config/table.ts';
import { comesFromImage, defaultText, userInput } from '../../src/config/user-inputs.ts';
import type { Level, Variable } from '../../src/config/variable.ts';
import { ROLE_TITLE, type Role } from '../../src/core/role.ts';

const LEVEL_TITLE: Readonly<Record<Level, string>> = {
  service: 'service: one value for all roles of a OneFlow service',
  role: 'role: each role of a OneFlow service has its own',
  infrastructure: 'infrastructure: never a user input',
};

const GROUPS: readonly { readonly title: string; readonly holds: (row: Variable) => boolean }[] = [
  { title: 'Service', holds: ({ level }) => level === 'service' },
  { title: 'SuperLink', holds: (row) => row.level === 'role' && only(row, 'superlink') },
  { title: 'SuperNode', holds: (row) => row.level === 'role' && only(row, 'supernode') },
  { title: 'Both roles', holds: ({ level, roles }) => level === 'role' && roles.length === 2 },
  { title: 'Infrastructure', holds: ({ level }) => level === 'infrastructure' },
];

const only = ({ roles }: Variable, role: Role): boolean => roles.length === 1 && roles[0] === role;

/** Markdown: how values are read, a table of all variables by group, and a section for each. Ends with a line break. */
export function variablesReference(): string {
  const groups = GROUPS.map(({ title, holds }) => ({
    title,
    names: ALL_NAMES.filter((name) => holds(rowOf(name))),
  }));
  const parts = [
    RULES,
    ...groups.map(({ title, names }) => [`## ${title}`, overview(names), ...names.map(section)].join('\n\n')),
  ];
  return `${parts.join('\n\n')}\n`;
}

const RULES = `- An absent or empty variable has its default.
- Every name that an operator sets is also accepted with the prefix \`${ALIAS_PREFIX}\`. The plain name wins when both are set.
- Blanks around a value are ignored. YES and NO may be in small letters. Numbers are plain decimal.
- An unknown name that begins with \`FL_\`, \`FLOWER_\` or \`ML_\` is a warning, never an error.
- All errors are reported together: the variable, what was found, what is accepted, an example. Secret values are never shown.`;

function overview(names: readonly VariableName[]): string {
  const rows = names.map(
    (name) => `| [${name}](#${name.toLowerCase()}) | ${shownDefault(name)} | ${cell(rowOf(name).title)} |`,
  );
  return ['| Variable | Default | |', '|---|---|---|', ...rows].join('\n');
}

function section(name: VariableName): string {
  const row = rowOf(name);
  const input = userInput(name);
  const alias = aliasOf(name);
  const facts: readonly (readonly [what: string, text: string | undefined])[] = [
    ['Role', row.roles.map((role) => ROLE_TITLE[role]).join(', ')],
    ['Level', LEVEL_TITLE[row.level]],
    ['Accepts', row.expected],
    ['Choices', row.options?.map(code).join(', ')],
    ['Default', shownDefault(name)],
    ['Example', code(`${name}=${row.example}`)],
    ['User input', input === undefined ? undefined : code(input)],
    ['Alias', alias && code(alias)],
    ['Secret', row.secret ? 'yes: masked in every output' : undefined],
    ['In messages', row.redact ? 'the value is not shown' : undefined],
    ['Run config', row.runConfig === undefined ? undefined : code(row.runConfig)],
    ['Node config', row.nodeConfig === undefined ? undefined : code(row.nodeConfig)],
    ['Strategies', row.strategies?.join(', ')],
    ['In the template', row.template === undefined ? undefined : code(`${name}="${row.template}"`)],
    ['Used by', row.consumer],
  ];
  const lines = facts.flatMap(([what, text]) => (text === undefined ? [] : [`- ${what}: ${text}`]));
  return [`### ${name}`, `${row.title}. ${row.description}`, lines.join('\n')].join('\n\n');
}

function shownDefault(name: VariableName): string {
  const { roles } = rowOf(name);
  if (comesFromImage(rowOf(name))) return 'that of the image';
  const perRole = roles.map((role) => [ROLE_TITLE[role], defaultText(name, role)] as const);
  const [first] = perRole;
  if (perRole.every(([, text]) => text === first?.[1]))
    return first?.[1] === undefined ? 'unset' : code(first[1]);
  return perRole.map(([role, text]) => `${role}: ${text === undefined ? 'unset' : code(text)}`).join(', ');
}

const code = (text: string): string => `\`${text}\``;

const cell = (text: string): string => text.replaceAll('|', '\\|');
