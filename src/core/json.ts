import type { ZodType } from 'zod';

/** The value in a JSON text, if the schema accepts it; undefined for any other text, and without a text. */
export function parseJson<T>(schema: ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
