// Lint finds every anti-pattern, and does not find a correct template that is similar. Each change is made to a template of
// this repository, in both formats.
import { describe, expect, test } from 'vitest';
import { CODES, type LintCode } from '../../../../src/templates/lint/codes.ts';
import { lint } from '../../../../src/templates/lint/lint.ts';
import { TOPOLOGY_NAMES } from '../../../../src/templates/topology.ts';
import { CASES } from '../../../support/templates/cases.ts';
import { paste } from '../../../support/templates/paste.ts';
import { Template } from '../../../support/templates/template.ts';

/** One line is not enough: a whole role, its contents or an expression has to be written again. */
const WITHOUT_FIX = new Set<LintCode>([
  'schema',
  'supernode_in_coordinator',
  'ready_preset',
  'contents_syntax',
  'context_block',
  'expression_never',
]);

const codesOf = (template: Template): string[] => lint(template.text).findings.map(({ code }) => code);
const all = Object.entries(CASES).flatMap(([code, cases]) =>
  cases.flatMap((one) =>
    (one.formats ?? [6, 7]).map((format) => ({ code: code as LintCode, format, ...one })),
  ),
);

describe.each(
  TOPOLOGY_NAMES.flatMap((topology) => ([6, 7] as const).map((format) => ({ topology, format }))),
)('the generated $topology template in the format of $format', ({ topology, format }) => {
  test('has no finding', () => {
    expect(lint(new Template(topology, format).text)).toEqual({ format, topology, findings: [] });
  });
});

describe.each(all)(
  '$code in the format of $format: $what',
  ({ code, format, topology = 'single-site', rightTopology = topology, wrong, right }) => {
    test('is found', () => {
      expect(codesOf(wrong(new Template(topology, format)))).toContain(code);
    });
    test.skipIf(WITHOUT_FIX.has(code))('is gone when the lines of the fixes are pasted', () => {
      let text = wrong(new Template(topology, format)).text;
      for (let round = 0; round < 20; round++) {
        const [first] = lint(text).findings;
        if (first === undefined) break;
        text = paste(text, first) ?? text;
      }
      expect(lint(text).findings).toEqual([]);
    });
    test('does not report a similar correct template', () => {
      expect(codesOf(right(new Template(rightTopology, format)))).toEqual([]);
    });
  },
);

test('every code has a case', () => {
  // A text that is not JSON is in text.test.ts.
  expect(
    Object.keys(CODES)
      .filter((code) => !(code in CASES))
      .sort(),
  ).toEqual(['not_json']);
});
