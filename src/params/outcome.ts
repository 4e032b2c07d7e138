// What reading a text gives: a value, or one phrase that says why there is none.

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

export const good = <T>(value: T): Outcome<T> => ({ ok: true, value });

/** `why` completes the sentence `'<value>': ...`; it never repeats a value that might be secret. */
export const bad = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why });
