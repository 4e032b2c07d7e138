// Generated foreign text: damaged real documents, tokens of the parsers, and random characters.
import * as fc from 'fast-check';

/** One damage: cut a piece out, put something in, say a piece many times over, or exchange a character. */
interface Damage {
  readonly at: number;
  readonly length: number;
  readonly put: string;
  readonly times: number;
}

const damageWith = (words: fc.Arbitrary<string>): fc.Arbitrary<Damage> =>
  fc.record({
    at: fc.nat(1_000_000),
    length: fc.oneof({ weight: 3, arbitrary: fc.nat(8) }, { weight: 1, arbitrary: fc.nat(2_000) }),
    put: fc.oneof(words, fc.string({ maxLength: 4, unit: 'binary' }), fc.constant('')),
    times: fc.oneof(
      { weight: 30, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 2, max: 2_000 }) },
    ),
  });

/** `originals` with up to five damages each; `words` are the words that the parser searches. */
export function damaged(originals: readonly string[], words: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom(...originals),
      fc.array(damageWith(fc.constantFrom(...words)), { minLength: 0, maxLength: 5 }),
    )
    .map(([text, damages]) =>
      damages.reduce((so, { at, length, put, times }) => {
        const from = so.length === 0 ? 0 : at % so.length;
        return so.slice(0, from) + put.repeat(times) + so.slice(from + length);
      }, text),
    );
}

/** Pieces in any order: the tokens of a grammar without its rules. */
export const pieces = (words: readonly string[], maxLength = 30): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...words), { maxLength }).map((parts) => parts.join(''));

export const noise: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

/** `document` with some values, at any depth, replaced, removed or doubled. */
export function reshaped(documents: readonly unknown[]): fc.Arbitrary<unknown> {
  const anything = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      '',
      '0',
      '-1',
      {},
      [],
      [[]],
      true,
      1e99,
      -1,
      0.5,
      4_294_967_296,
      '9'.repeat(400),
    ),
    fc.string({ maxLength: 12, unit: 'binary' }),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const change = fc.record({
    path: fc.array(fc.nat(40), { minLength: 1, maxLength: 8 }),
    put: anything,
    how: fc.nat(3),
  });
  return fc
    .tuple(fc.constantFrom(...documents), fc.array(change, { maxLength: 5 }))
    .map(([original, changes]) => {
      const root = { document: structuredClone(original) };
      // A copy each time: the empty containers among them are the same objects in every case, and are modified directly.
      for (const { path, put, how } of changes) reshape(root, path, structuredClone(put), how);
      return root.document;
    });
}

function reshape(root: { document: unknown }, path: readonly number[], put: unknown, how: number): void {
  let holder: Record<string, unknown> | unknown[] = root;
  let key: string | number = 'document';
  for (const step of path) {
    const next: unknown = (holder as Record<string | number, unknown>)[key];
    if (typeof next !== 'object' || next === null) break;
    const keys = Object.keys(next);
    if (keys.length === 0) break;
    holder = next as Record<string, unknown>;
    key = keys[step % keys.length]!;
  }
  const parent = holder as Record<string | number, unknown>;
  if (how === 0) delete parent[key];
  else if (how === 1) parent[key] = [parent[key], put];
  else parent[key] = put;
}
