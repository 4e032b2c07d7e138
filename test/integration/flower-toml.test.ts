// What we write as TOML is read back by Python, which is what Flower does with it: no text can break out of its line.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TomlValue } from '../../src/core/toml.ts';
import { nodeConfigToml } from '../../src/flower/node-config.ts';
import { formatToml } from '../../src/flower/toml.ts';
import { run } from '../../src/host/process.ts';

/** Repeats a run: FUZZ_SEED=n. Every failure says it. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000);

const float = (value: number): { float: number } => ({ float: value });

const READ_BACK = `
import json, sys, tomllib
for text in json.loads(sys.argv[1]):
    read = tomllib.loads(text)
    print(json.dumps([[k, type(v).__name__, str(v) if isinstance(v, int) and not isinstance(v, bool) else v] for k, v in read.items()]))
`;

/**
 * What Python reads in each text: the type's name and the value (an int as text, which JSON could not hold). Keys come as
 * items of a list: after many other objects, JSON.parse of Node.js 24.21 reads a key such as "\n", one character written as
 * an escape, as a backslash now and then.
 */
async function readBack(texts: readonly string[]): Promise<Record<string, [string, unknown]>[]> {
  const python = process.env.PYTHON ?? 'python3';
  const { code, stdout, stderr } = await run(python, ['-c', READ_BACK, JSON.stringify(texts)], {
    timeoutMs: 20_000,
    maxBytes: 64 * 1024 * 1024,
  });
  expect(code, `FUZZ_SEED=${SEED}: ${stderr}`).toBe(0);
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const entries = JSON.parse(line) as [string, string, unknown][];
      return Object.fromEntries(entries.map(([key, type, read]) => [key, [type, read] as [string, unknown]]));
    });
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom(
      '"',
      "'",
      '\\',
      '\n',
      '\r',
      '\t',
      '\0',
      '\u007f',
      '\u0085',
      '\u200b',
      '\u2028',
      '\u202e',
      '\u{e0041}',
      '#',
      '=',
      '[',
      ']',
      '.',
      '$',
      'a',
    ),
    maxLength: 12,
  }),
);
const value: fc.Arbitrary<TomlValue> = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(float),
);

function expected(written: TomlValue): [string, unknown] {
  if (typeof written === 'string') return ['str', written];
  if (typeof written === 'boolean') return ['bool', written];
  if (typeof written === 'object') return ['float', written.float === 0 ? 0 : written.float];
  return ['int', String(written)];
}

it('reads as exactly what was written, for any keys and values', async () => {
  const entries = fc.uniqueArray(fc.tuple(text, value), { selector: ([key]) => key, maxLength: 5 });
  const samples = fc.sample(entries, { numRuns: 400, seed: SEED });
  const read = await readBack(samples.map((sample) => formatToml(sample)));
  for (const [index, sample] of samples.entries()) {
    const wanted = Object.fromEntries(sample.map(([key, written]) => [key, expected(written)]));
    const found = Object.fromEntries(
      Object.entries(read[index]!).map(([key, [type, got]]) => [key, [type, got === 0 ? 0 : got]]),
    );
    expect(found, `FUZZ_SEED=${SEED}: ${JSON.stringify(formatToml(sample))}`).toEqual(wanted);
  }
});

it('cannot lose the computed partition to what an operator wrote for another key', async () => {
  const values = fc.sample(text, { numRuns: 200, seed: SEED });
  const facts = { partition: { id: 3, of: 7 }, useCase: 'none' };
  for (const read of await readBack(values.map((site) => nodeConfigToml([['site', site]], facts)))) {
    expect(read['partition-id'], `FUZZ_SEED=${SEED}`).toEqual(['int', '3']);
    expect(read['num-partitions']).toEqual(['int', '7']);
    expect(Object.keys(read), `FUZZ_SEED=${SEED}`).toHaveLength(3);
  }
});
