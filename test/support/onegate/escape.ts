/**
 * What OneGate does to the text of an update before oned sees it, and which names it refuses.
 *
 * OneGate puts quotes around values, one character at a time and without a grammar; that is why commas,
 * brackets, quotes and backslashes do not survive. Recorded: samples 100-131, 147, 160-176 and put-charset.json.
 */

/** The names onegate-server.conf protects by default: samples 60-65. */
export const restrictedByOneGate = ['SCHED_REQUIREMENTS', 'SERVICE_ID', 'ROLE_NAME'];

/**
 * Puts quotes around the values of `NAME=value` lines the way OneGate does.
 *
 * @param data the text of the request, e.g. `A=one two\nB=[C=1]`
 * @returns what oned gets, e.g. `A="one two"\nB=[C="1"]`; broken where OneGate breaks it
 */
export function escapeAttributes(data: string): string {
  let out = '';
  let copied = 0;
  let open = false;
  for (const { 0: character, index } of data.matchAll(/[=,[\]\\\n]/g)) {
    out += data.slice(copied, index);
    copied = index + 1;
    // Ruby's index -1 is the last character: the first character's neighbour is the end of the text.
    const before = data.at(index - 1);
    const after = data[index + 1];
    const quoted = before === '"';
    const touching = quoted || before === '=';
    if (character === '=') {
      const opens: boolean = !open && after !== '[' && after !== '"';
      out += opens ? '="' : '=';
      open ||= opens;
    } else if (character === ',') {
      out += quoted ? ',' : '",';
    } else if (character === '[') {
      out += touching ? '[' : '"[';
    } else {
      const plain = character === ']' ? touching : quoted;
      out += plain ? character : `"${character}`;
      open &&= plain;
    }
  }
  out = (out + data.slice(copied)).replaceAll('\\n', '\n');
  return open && !out.endsWith(']') && !out.endsWith('"') ? `${out}"` : out;
}

/**
 * The first protected name in an (escaped) update, as the client spelled it; undefined when there is none.
 * Looks at line starts only, in any case: samples 61 and 64.
 */
export function restrictedName(escaped: string): string | undefined {
  for (const line of escaped.split('\n')) {
    const name = line.split('=', 1)[0] ?? '';
    if (restrictedByOneGate.includes(name.toUpperCase())) return name;
  }
  return undefined;
}

/** `NAME=value` lines as the client meant them, for the log: no quoting rules, the first `=` divides. */
export function readableAttributes(data: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const line of data.replaceAll('\\n', '\n').split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0)
      attributes[line.slice(0, equals).trim()] = line.slice(equals + 1).replace(/^"(.*)"$/s, '$1');
  }
  return attributes;
}
