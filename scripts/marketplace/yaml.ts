// YAML in the style of the marketplace: two blanks for a level, single quotes, blocks for texts of several lines.

export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };

export const document = (value: Yaml): string => `---\n${lines(value).join('\n')}\n`;

/** Texts that YAML reads as texts: `on`, `7.0` or `a: b` need quotes. */
const PLAIN = /^(?!(?:yes|no|on|off|true|false|null|y|n)$)[A-Za-z][\w./-]*(?: [\w./-]+)*$/i;

const scalar = (text: string): string => (PLAIN.test(text) ? text : `'${text.replaceAll("'", "''")}'`);

const indented = (inner: readonly string[], by: string): string[] =>
  inner.map((line) => (line === '' ? '' : by + line));

function lines(value: Yaml): string[] {
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  if (typeof value === 'string') return [scalar(value)];
  if (Array.isArray(value)) {
    return (value as readonly Yaml[]).flatMap((item) => {
      const [first = '', ...rest] = lines(item);
      return [`- ${first}`, ...indented(rest, '  ')];
    });
  }
  return Object.entries(value).flatMap(([key, member]) => entry(key, member));
}

function entry(key: string, member: Yaml): string[] {
  if (typeof member === 'string' && member.includes('\n')) {
    const [style, text] = member.endsWith('\n') ? ['|', member.slice(0, -1)] : ['|-', member];
    return [`${key}: ${style}`, ...indented(text.split('\n'), '  ')];
  }
  if (typeof member !== 'object') return [`${key}: ${lines(member)[0]}`];
  if (Object.keys(member).length === 0) return [`${key}: ${Array.isArray(member) ? '[]' : '{}'}`];
  return [`${key}:`, ...indented(lines(member), '  ')];
}
