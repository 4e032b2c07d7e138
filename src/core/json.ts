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
