import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { Problem } from '../../../src/core/problem.ts';
import { opensGate, publishable } from '../../../src/onegate/guard.ts';
import { escapeAttributes } from '../../support/onegate/escape.ts';
import { parseTemplate } from '../../support/onegate/template.ts';

/** What oned stores for a form body: OneGate and the parser of the stub, which are checked against recorded exchanges. */
function stored(form: string): Record<string, unknown> {
  const data = new URLSearchParams(form).get('data') ?? '';
  return Object.fromEntries(parseTemplate(escapeAttributes(data)).map(({ name, value }) => [name, value]));
}

function refusal(attributes: Record<string, string>, serving = false): Problem {
  try {
    publishable(attributes, { ready: serving });
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const names = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,12}$/);
const anyValue = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[A-Za-z0-9 =:/.#&?;_+-]{1,20}$/) },
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...'ab1 =:/.#&?;_+-,[]"\\\n\r\t\'') }),
);

describe('an accepted value', () => {
  test('is stored by oned exactly as it was sent', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.dictionary(names, anyValue, { minKeys: 1, maxKeys: 6 }), (attributes) => {
        let form: string;
        try {
          form = publishable(attributes, { ready: true });
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
          return;
        }
        accepted++;
        expect(stored(form)).toEqual({ ...attributes });
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('can be each attribute of the agent', () => {
    const said = {
      FL_ROLE: 'superlink',
      FL_VERSION: BAKED_FLOWER,
      FL_ENDPOINT: 'fd00::5:9092',
      FL_TLS: 'YES',
      FL_CA_CERT: Buffer.from('-----BEGIN CERTIFICATE-----\nabc~~>?\n').toString('base64'),
      FL_ERROR: '-',
      FL_READY: 'YES',
    };
    expect(stored(publishable(said, { ready: true }))).toEqual(said);
  });

  test('is sent as the form that the guest client of OpenNebula sends', () => {
    expect(publishable({ FL_ENDPOINT: '172.20.0.101:9092', FL_READY: 'NO' })).toBe(
      'data=FL_ENDPOINT%3D172.20.0.101%3A9092%0AFL_READY%3DNO&type=1',
    );
  });
});

describe('a value that OneGate would change is refused', () => {
  test.each([
    ['a,b', 'character 2 (,)'],
    ['[fd00::5]:9092', 'character 1 ([)'],
    ['say "hi"', 'character 5 (")'],
    ['a\\b', 'character 2 (\\)'],
    ['line1\nline2', 'character 6 (U+000A)'],
    ['a\rb', 'character 2 (U+000D)'],
    ['a\u0000b', 'character 2 (U+0000)'],
    ['a\tb', 'character 2 (U+0009)'],
    ['héllo', 'character 2 (U+00E9)'],
    ['', "use '-' for none"],
    [' x', 'blanks at the ends'],
    ['x ', 'blanks at the ends'],
    ['#x', 'comment'],
  ])('%j, naming why', (value, why) => {
    const problem = refusal({ FL_X: value });
    expect(problem.code).toBe('onegate_value_refused');
    expect(problem.message).toContain('FL_X');
    expect(problem.message).toContain(why);
  });

  test.each(['fl_x', 'FL-X', '1X', '', 'FL X', 'XMLNAME', 'ROLE_NAME', 'SERVICE_ID', 'PÉ'])(
    'the name %j',
    (name) => {
      expect(refusal({ [name]: 'x' }).code).toBe('onegate_value_refused');
    },
  );

  test('an update of nothing, and one that is far too long', () => {
    expect(refusal({}).message).toContain('no attributes');
    expect(refusal({ FL_CA_CERT: 'A'.repeat(200_000) }).message).toContain('bytes');
  });

  test('without repeating the value', () => {
    expect(JSON.stringify(refusal({ FL_X: 'se,cret' }).facts)).not.toContain('cret');
  });
});

describe('the gate guard', () => {
  test.each([
    { READY: 'YES' },
    { FL_READY: 'YES' },
    { FL_NODE_READY: 'YES' },
    { NOTE: 'READY=YES' },
    { NOTE: 'x READY = YES x' },
    { NOTE: 'READY=YESTERDAY' },
    { READY: 'yes' },
    { A: 'READY=', YES: '1' },
  ])('refuses before the node serves what OneFlow would read as READY: %j', (attributes) => {
    expect(refusal(attributes).message).toContain('ready gate');
    expect(() => publishable(attributes, { ready: true })).not.toThrow();
  });

  test('covers at least everything that OneFlow matches, in every update', () => {
    const words = fc.constantFrom('READY', 'YES', 'FL_', '=', ' ', 'x', 'READY=YES', 'NO', '_');
    const value = fc
      .array(words, { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('').trim() || '-');
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('READY', 'FL_READY', 'A', 'YES', 'NOTE'), value, { minKeys: 1 }),
        (attributes) => {
          let form: string;
          try {
            form = publishable(attributes);
          } catch {
            return;
          }
          const update = escapeAttributes(new URLSearchParams(form).get('data')!);
          expect(update.replaceAll(/["\s]/g, '')).not.toContain('READY=YES');
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('accepts NO, and YES of another attribute', () => {
    expect(opensGate('READY=NO\nFL_NODE_READY=NO\nFL_GPU_AVAILABLE=YES\nFL_TLS=YES')).toBe(false);
  });
});
