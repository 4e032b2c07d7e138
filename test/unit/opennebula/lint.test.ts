// `lint` compared with OneFlow: no error for what every OneFlow creates and starts, a finding for what is created and then fails or has no effect.
import { describe, expect, test } from 'vitest';
import { lint } from '../../../src/templates/lint/lint.ts';
import { EXPECTED, type Worst } from '../../cases/oneflow/expected.ts';
import { type OfVersion, readAnswers } from '../../opennebula/data.ts';
import { JUDGED } from '../../opennebula/inputs.ts';

const { answers } = readAnswers();
const cases = JUDGED.filter(({ generated }) => !generated);

type OneFlowResult = 'refused at create' | 'fails later' | 'starts';

/** In the versions that know its format. Without Sunstone, which shows no inputs of roles. */
function resultOf(name: string): OneFlowResult {
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
  const result = resultOf(name);

  test(`${what}: ${right.join(' or ')}`, () => {
    const { worst, codes } = worstOf(text);
    const holds = right.includes(worst) && (code === undefined || codes.includes(code));
    if (notYet === undefined) expect({ worst, codes }, `OneFlow: ${result}`).toSatisfy(() => holds);
    else expect(holds, `this row holds now: remove its notYet in test/cases/oneflow/expected.ts`).toBe(false);
  });

  test(`the table agrees with OneFlow: ${result}`, () => {
    if (result === 'starts' && beyond === undefined && !right.includes('none'))
      expect(right, 'lint may only warn about what starts').toContain('warning');
    if (result === 'fails later') expect(right, 'lint must find what fails').not.toContain('none');
  });
});
