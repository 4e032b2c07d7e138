// How large a reply of OneGate may be. JSON.parse cannot be interrupted, and a small text can cost it seconds: two million
// brackets, or a million keys. So a reply is counted first, in one pass, and refused when it has more than a large service needs.

/** Nodes of one role that the agent reads. */
export const MOST_NODES = 10_000;

export interface ReplyLimits {
  readonly bytes: number;
  /** Objects and arrays. */
  readonly containers: number;
  /** Elements and members of all of them. */
  readonly values: number;
}

/** Nodes that one reading in full may have: oned needs 25 s to look up so many, and a try may take 30 s. */
const MOST_IN_FULL = 5_000;

/** For each call. A node in full has about 2.6 KB, 21 containers and 125 values, in a list 200 bytes, 4 and 11. */
export const LIMITS = {
  /** Other members of the service may write into the template of a VM. An update of theirs is at most 4 MiB. */
  vm: { bytes: 4 * 1024 * 1024, containers: 10_000, values: 50_000 },
  service: { bytes: MOST_NODES * 500, containers: MOST_NODES * 10, values: MOST_NODES * 25 },
  serviceInFull: { bytes: MOST_IN_FULL * 3_000, containers: MOST_IN_FULL * 40, values: MOST_IN_FULL * 150 },
} as const satisfies Record<string, ReplyLimits>;

/** Levels of a reply; those that OneGate sends have up to eleven. */
const DEEPEST = 64;

/** Why a JSON text is not parsed, as a clause; undefined when it is within the limits. One pass; the text may be anything. */
export function overLimits(text: string, { containers, values }: ReplyLimits): string | undefined {
  let depth = 0;
  let opened = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case COMMA:
        if (++commas > values) return `it has more than ${values} values`;
        break;
      case BRACE:
      case BRACKET:
        if (++depth > DEEPEST) return `it is nested deeper than ${DEEPEST} levels`;
        if (++opened > containers) return `it has more than ${containers} objects and lists`;
        break;
      case END_BRACE:
      case END_BRACKET:
        depth--;
    }
  }
  return undefined;
}

const [QUOTE, COMMA, BRACE, BRACKET, END_BRACE, END_BRACKET] = [0x22, 0x2c, 0x7b, 0x5b, 0x7d, 0x5d];
const BACKSLASH = 0x5c;

/** The index of the closing quote; the end of the text without one. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}
