// What reading a text gives: a value, or one phrase that says why there is none.

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });

/** `why` completes the sentence `'<value>': ...`; it never repeats a value that might be secret. */
export const err = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why });
