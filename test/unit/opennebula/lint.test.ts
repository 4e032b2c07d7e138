// `lint` beside OneFlow: no error for what every OneFlow creates and starts, and a finding for what is created and then fails or does nothing.
import { describe, expect, test } from 'vitest';
import { lint } from '../../../src/templates/lint/lint.ts';
import { EXPECTED, type Worst } from '../../cases/oneflow/expected.ts';
import { type OfVersion, readAnswers } from '../../opennebula/data.ts';
import { JUDGED } from '../../opennebula/inputs.ts';

const { answers } = readAnswers();
const cases = JUDGED.filter(({ generated }) => !generated);

type Verdict = 'refused at create' | 'fails later' | 'starts';

/** Of the versions that know its form. Sunstone is left out here: a rule of its own reports what it does not ask. */
function verdictOf(name: string): Verdict {
  const versions = Object.values(answers[name]?.versions ?? {}).filter(
    ({ refused }) => !/'vm_template' is required/.test(refused ?? ''),
  );
  if (versions.every(({ refused }) => refused !== undefined)) return 'refused at create';
  return versions.every(starts) ? 'starts' : 'fails later';
}

const starts = ({ ways = {} }: OfVersion): boolean =>
  ['command line', 'program'].every((way) => ways[way] !== undefined && 'roles' in ways[way]);

function worstOf(text: string): { readonly worst: Worst; readonly codes: readonly string[] } {
  const { findings } = lint(text);
  const severities = findings.map(({ severity }) => severity);
  const worst = severities.includes('error') ? 'error' : severities.includes('warning') ? 'warning' : 'none';
  return { worst, codes: findings.map(({ code }) => code) };
}

test('every case is in the table, and every row has its case', () => {
  expect(cases.map(({ name }) => name).sort()).toEqual(Object.keys(EXPECTED).sort());
});

describe.each(cases.map(({ name, text }) => [name, text] as const))('%s', (name, text) => {
  const { what, lint: right, code, beyond, notYet } = EXPECTED[name]!;
  const verdict = verdictOf(name);

  test(`${what}: ${right.join(' or ')}`, () => {
    const { worst, codes } = worstOf(text);
    const holds = right.includes(worst) && (code === undefined || codes.includes(code));
    if (notYet === undefined) expect({ worst, codes }, `OneFlow: ${verdict}`).toSatisfy(() => holds);
    else
      expect(holds, `this row holds now: take its notYet away in test/cases/oneflow/expected.ts`).toBe(false);
  });

  test(`the table agrees with OneFlow, where it ${verdict}`, () => {
    if (verdict === 'starts' && beyond === undefined && !right.includes('none'))
      expect(right, 'lint may warn of what starts').toContain('warning');
    if (verdict === 'fails later') expect(right, 'what fails has to be found').not.toContain('none');
  });
});
