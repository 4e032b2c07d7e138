import { plainJson, plainLines } from './text.ts';

/** The value of a JSON text with the shape of the schema; undefined when there is no text, or it is another one. */
export function parseJson<T>(
  text: string | undefined,
  schema: { safeParse(value: unknown): { readonly data?: T | undefined } },
): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A value as JSON for a file or a terminal: texts keep every character, and invisible ones are escapes. */
export const formatJson = (value: unknown, indent?: number): string =>
  plainJson(JSON.stringify(value, null, indent));

/** The same for a file that people read through: every text in it is guarded like a line of the journal. */
export const formatGuarded = (value: unknown, indent?: number): string =>
  JSON.stringify(value, (_key, one: unknown) => (typeof one === 'string' ? plainLines(one) : one), indent);
