// The result of reading a text: a value, or one phrase with the reason.

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });

/** `why` completes the sentence `'<value>': ...`; it never holds the value. */
export const err = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why });

/** What `read` returns; undefined when it throws. For errors that do not help a person. */
export function unlessError<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
