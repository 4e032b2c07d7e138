// Every anti-pattern is found, and something near it is not. Each stroke is made on a template of ours, in both forms.
import { describe, expect, test } from 'vitest';
import { CODES, type LintCode } from '../../../../src/templates/lint/codes.ts';
import { lint } from '../../../../src/templates/lint/lint.ts';
import { TOPOLOGY_NAMES } from '../../../../src/templates/topology.ts';
import { CASES } from '../../../support/templates/cases.ts';
import { paste } from '../../../support/templates/paste.ts';
import { Template } from '../../../support/templates/workshop.ts';

/** One line is not enough: a whole role is to be taken out, or its contents written anew. */
const NEEDS_A_PERSON = new Set<LintCode>([
  'supernode_in_coordinator',
  'superlink_count',
  'ready_preset',
  'contents_syntax',
]);

const codesOf = (template: Template): string[] => lint(template.text).findings.map(({ code }) => code);
const all = Object.entries(CASES).flatMap(([code, cases]) =>
  cases.flatMap((one) => (one.forms ?? [6, 7]).map((form) => ({ code: code as LintCode, form, ...one }))),
);

describe.each(TOPOLOGY_NAMES.flatMap((site) => ([6, 7] as const).map((form) => ({ site, form }))))(
  'our $site in the form of $form',
  ({ site, form }) => {
    test('has no finding at all', () => {
      expect(lint(new Template(site, form).text)).toEqual({ form, site, findings: [] });
    });
  },
);

describe.each(all)(
  '$code in the form of $form: $what',
  ({ code, form, site = 'single-site', rightSite = site, wrong, right }) => {
    test('is found', () => {
      expect(codesOf(wrong(new Template(site, form)))).toContain(code);
    });
    test.skipIf(NEEDS_A_PERSON.has(code))('disappears once the suggested lines are applied', () => {
      let text = wrong(new Template(site, form)).text;
      for (let round = 0; round < 20; round++) {
        const [first] = lint(text).findings;
        if (first === undefined) break;
        text = paste(text, first);
      }
      expect(lint(text).findings).toEqual([]);
    });
    test('is not found in a similar template', () => {
      expect(codesOf(right(new Template(rightSite, form)))).toEqual([]);
    });
  },
);

test('every code has a case of its own', () => {
  // The two about the text itself are in text.test.ts.
  const elsewhere = ['not_json', 'duplicate_key'];
  expect(
    Object.keys(CODES)
      .filter((code) => !(code in CASES))
      .sort(),
  ).toEqual(elsewhere.sort());
});
