// What may be sent to OneGate, and in which form. OneGate puts quotes around a value and passes the text to a template
// parser, which refuses some characters with an empty 500, changes others silently, and stores an empty value as a
// quotation mark (OneGate 7.5.80: recorded exchanges 100-176, and a test of every ASCII character in every position). So a
// value that OneGate would not store unchanged is refused here, with a message.
//
// The gate guard: OneFlow opens a role's ready gate when the text of an update, without quotes and blanks, contains
// READY=YES anywhere, also inside FL_READY=YES, FL_NODE_READY=YES or a value (EventManager.rb of OneFlow). No such update is
// sent before the node serves.
import { Problem } from '../core/problem.ts';

/** Letters, digits, blank, base64, and the punctuation of addresses and URLs. */
const SAFE = /^[A-Za-z0-9 =:/.#&?;_+-]+$/;
const NAME = /^[A-Z][A-Z0-9_]*$/;
/** OneGate answers 403 for the first three; SCHED_MESSAGE is stored but never shown. */
const RESERVED = new Set(['SERVICE_ID', 'ROLE_NAME', 'SCHED_REQUIREMENTS', 'SCHED_MESSAGE']);
/** A CA chain is a few KiB; each update rewrites the VM's whole record. */
const MAX_BYTES = 128 * 1024;

/**
 * The form body of PUT /vm for these attributes: `data=A%3D1%0AB%3D2&type=1` (type 1 merges, the rest stays).
 * @param options.ready the node serves: only then may the update contain READY=YES.
 * Throws Problem onegate_value_refused, which never holds a value.
 */
export function publishable(
  attributes: Readonly<Record<string, string>>,
  options: { ready?: boolean } = {},
): string {
  const lines = Object.entries(attributes).map(([name, value]) => {
    const fault = faultOfName(name) ?? faultOfValue(value);
    if (fault !== undefined) throw refused(name, fault);
    return `${name}=${value}`;
  });
  if (lines.length === 0) throw refused('-', 'the update has no attributes');
  const text = lines.join('\n');
  if (text.length > MAX_BYTES) throw tooLarge(lines, text.length);
  if (options.ready !== true && opensGate(text))
    throw refused(nameIn(lines.find(opensGate)), 'it would open the ready gate before this node serves');
  return `data=${encodeURIComponent(text)}&type=1`;
}

/** @internal Whether OneFlow would read READY=YES in this text. Wider than OneFlow: any case, any blank. */
export const opensGate = (text: string): boolean => /READY=YES/i.test(text.replaceAll(/[\s"']/g, ''));

function faultOfName(name: string): string | undefined {
  if (!NAME.test(name)) return 'its name must have only A-Z, 0-9 and _, and begin with a letter';
  if (name.startsWith('XML')) return 'OneGate stores a name that begins with XML under another name';
  if (RESERVED.has(name)) return 'OpenNebula reserves this name';
  return undefined;
}

function faultOfValue(value: string): string | undefined {
  if (value === '') return "OneGate stores an empty value as a quotation mark; use '-' for none";
  if (value.trim() !== value) return 'OneGate removes blanks at the ends';
  if (value.startsWith('#')) return 'OneGate reads a value that begins with # as a comment';
  if (SAFE.test(value)) return undefined;
  const at = [...value].findIndex((character) => !SAFE.test(character));
  return `OneGate does not store character ${at + 1} (${formatCharacter([...value][at]!)})`;
}

const formatCharacter = (character: string): string =>
  /[!-~]/.test(character)
    ? character
    : `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;

const nameIn = (line = '-'): string => line.split('=')[0]!;

/** Only FL_CA_CERT can be large, because the CA is the operator's. */
function tooLarge(lines: readonly string[], bytes: number): Problem {
  const [largest = ''] = [...lines].sort((a, b) => b.length - a.length);
  const name = nameIn(largest);
  return new Problem('onegate_value_refused', {
    doing: 'publishing on OneGate',
    found: `the update has ${bytes} bytes, more than ${MAX_BYTES}; ${name} alone has ${largest.length}`,
    ...(name === 'FL_CA_CERT' && {
      remedy: 'leave only the CA that signed FL_SSL_CERTFILE in FL_SSL_CA_CERTFILE',
      variable: 'FL_SSL_CA_CERTFILE',
    }),
  });
}

const refused = (name: string, found: string): Problem =>
  new Problem('onegate_value_refused', {
    doing: `publishing ${name} on OneGate`,
    found,
    expected: 'letters, digits, blanks and = : / . # & ? ; _ + - (anything else as base64)',
  });
