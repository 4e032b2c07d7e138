// JSON with a memory of where everything stood, so that a finding can name a line.

export type Path = readonly (string | number)[];

export interface Place {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

export interface Located {
  readonly value: unknown;
  /** The place of a value, or of the nearest thing around it when there is none. A member's place is that of its name. */
  placeOf(path: Path): Place;
  /** Names that stand twice in one object; JSON takes the last. */
  readonly twice: readonly Path[];
}

/** The text is not JSON; `place` is where reading ended. */
export class NotJson extends Error {
  readonly place: Place;
  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}

/** Deeper than any service template; keeps a hostile file from using up the stack. */
const DEEPEST = 100;

/** Throws NotJson. */
export function readJson(text: string): Located {
  const reader = new Reader(text);
  const value = reader.document();
  const root: Place = { line: 1, column: 1 };
  return {
    value,
    twice: reader.twice,
    placeOf(path) {
      for (let length = path.length; length > 0; length--) {
        const place = reader.places.get(JSON.stringify(path.slice(0, length)));
        if (place !== undefined) return place;
      }
      return root;
    },
  };
}

/** `$.roles[0].name`, as JSONPath writes it. */
export const formatPath = (path: Path): string =>
  `$${path.map((part) => (typeof part === 'number' ? `[${part}]` : /^\w+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`)).join('')}`;

const SCALAR =
  /"(?:[^"\\\r\n]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

class Reader {
  readonly places = new Map<string, Place>();
  readonly twice: Path[] = [];
  readonly #text: string;
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text.charCodeAt(0) === 0xfeff ? ` ${text.slice(1)}` : text;
  }

  document(): unknown {
    this.#blanks();
    const value = this.#value([]);
    this.#blanks();
    if (this.#at < this.#text.length) this.#fail('something stands after its end');
    return value;
  }

  #value(path: Path): unknown {
    if (path.length > DEEPEST) this.#fail(`it is nested more than ${DEEPEST} deep`);
    const next = this.#text[this.#at];
    if (next === '{') return this.#object(path);
    if (next === '[') return this.#array(path);
    return this.#scalar('a value');
  }

  #object(path: Path): Record<string, unknown> {
    // Not an object literal: a member named __proto__ is a member.
    const entries = new Map<string, unknown>();
    this.#at++;
    for (let first = true; !this.#ends('}', first, 'a member'); first = false) {
      const place = this.#place();
      const name =
        this.#text[this.#at] === '"'
          ? this.#scalar('a name')
          : this.#fail('a name in double quotes is missing');
      const member = [...path, name as string];
      if (entries.has(name as string)) this.twice.push(member);
      this.places.set(JSON.stringify(member), place);
      this.#blanks();
      if (this.#text[this.#at] !== ':') this.#fail('a colon is missing after the name');
      this.#at++;
      this.#blanks();
      entries.set(name as string, this.#value(member));
    }
    return Object.fromEntries(entries);
  }

  #array(path: Path): unknown[] {
    const values: unknown[] = [];
    this.#at++;
    for (let first = true; !this.#ends(']', first, 'a value'); first = false) {
      const element = [...path, values.length];
      this.places.set(JSON.stringify(element), this.#place());
      values.push(this.#value(element));
    }
    return values;
  }

  /** Whether the bracket closes here; otherwise steps over the comma to what comes next. */
  #ends(bracket: string, first: boolean, what: string): boolean {
    this.#blanks();
    if (this.#text[this.#at] === bracket) {
      this.#at++;
      return true;
    }
    if (first) return false;
    if (this.#text[this.#at] !== ',') this.#fail(`a comma or ${bracket} is missing`);
    this.#at++;
    this.#blanks();
    if (this.#text[this.#at] === bracket) this.#fail(`${what} is missing after the comma`);
    return false;
  }

  #scalar(what: string): unknown {
    SCALAR.lastIndex = this.#at;
    const found = SCALAR.exec(this.#text)?.[0];
    if (found === undefined) {
      const rest = this.#text[this.#at];
      return this.#fail(
        rest === undefined
          ? 'it ends too early'
          : rest === '"'
            ? 'a text that does not end on its line'
            : `${what} is missing`,
      );
    }
    this.#at += found.length;
    try {
      return JSON.parse(found);
    } catch {
      return this.#fail('a text with a control character that is not escaped');
    }
  }

  #blanks(): void {
    for (; ; this.#at++) {
      const character = this.#text[this.#at];
      if (character === '\n') {
        this.#line++;
        this.#lineStart = this.#at + 1;
      } else if (character !== ' ' && character !== '\t' && character !== '\r') return;
    }
  }

  #place = (): Place => ({ line: this.#line, column: this.#at - this.#lineStart + 1 });

  #fail(message: string): never {
    throw new NotJson(message, this.#place());
  }
}
