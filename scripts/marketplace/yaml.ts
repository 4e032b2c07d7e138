// YAML as the marketplace's files want it: two blanks a level, single quotes, texts of several lines as blocks.

export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };

export const document = (value: Yaml): string => `---\n${lines(value).join('\n')}\n`;

/** Only what nothing else could be meant by: `on`, `7.0` or `a: b` are quoted. */
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
