import {
  type Attribute,
  attributeName,
  parseTemplate,
  sorted,
  TemplateSyntaxError,
  type Value,
} from './template.ts';

/** Names OneGate hides from GET /vm: sample 150. */
const hidden = ['SCHED_MESSAGE'];

/** Above this many bytes a value is accepted with 200 and then absent from every read. */
const longestShown = 10_000_000;

/** What XML cannot carry: the call from OneGate to oned fails (samples 129, 130). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are the point
const notXml = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/u;

/** A VM's USER_TEMPLATE: what a guest publishes, and what its peers read. */
export class UserTemplate {
  readonly #values = new Map<string, Value[]>();

  constructor(start: Readonly<Record<string, string>> = {}) {
    for (const [name, value] of Object.entries(start)) this.set(name, value);
  }

  /** The single value of a name; undefined when absent, repeated or a vector. */
  get(name: string): string | undefined {
    const values = this.#values.get(name);
    return values?.length === 1 && typeof values[0] === 'string' ? values[0] : undefined;
  }

  set(name: string, value: string): void {
    this.#values.set(attributeName(name), [value]);
  }

  /** The values of a name, in the order they were sent: two after sample 147. */
  all(name: string): readonly Value[] {
    return this.#values.get(name) ?? [];
  }

  /** Removes a name, as sent (upper case only: sample 182). @returns false when it was not there (sample 181) */
  erase(name: string): boolean {
    return this.#values.delete(name);
  }

  /**
   * Appends: each name in the text replaces its old value, all others stay.
   *
   * @throws {TemplateSyntaxError} nothing is changed then, not even by the good lines (samples 14, 104)
   */
  merge(text: string, forbidden: readonly string[] = []): Attribute[] {
    if (notXml.test(text)) throw new TemplateSyntaxError('a character that XML cannot carry');
    const attributes = parseTemplate(text);
    const refused = attributes.find(({ name }) => forbidden.includes(name));
    if (refused) throw new TemplateSyntaxError(`restricted attribute ${refused.name}`);
    for (const { name } of attributes) this.#values.delete(name);
    for (const { name, value } of attributes) this.#values.set(name, [...this.all(name), value]);
    return attributes;
  }

  /** As OneGate shows it: sorted, repeated names as an array. */
  toJSON(): Record<string, Value | Value[]> {
    const shown: Record<string, Value | Value[]> = {};
    for (const [name, values] of this.#values) {
      if (values.some((value) => typeof value === 'string' && Buffer.byteLength(value) > longestShown))
        continue;
      shown[name] = values.length === 1 ? (values[0] as Value) : values;
    }
    return sorted(shown);
  }

  /** What GET /vm shows: toJSON() without the hidden names. */
  published(): Record<string, Value | Value[]> {
    return Object.fromEntries(Object.entries(this.toJSON()).filter(([name]) => !hidden.includes(name)));
  }

  /** The whole template as text: what an erase sends back to oned, so also what OneFlow's gate gets to see. */
  toString(): string {
    const text = (value: Value): string =>
      typeof value === 'string'
        ? `"${value.replaceAll('"', '\\"')}"`
        : `[${Object.entries(value).map(([name, inner]) => `${name}=${text(inner)}`)}]`;
    return [...this.#values]
      .flatMap(([name, values]) => values.map((value) => `${name}=${text(value)}`))
      .join('\n');
  }
}
