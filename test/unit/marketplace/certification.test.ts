import { describe, expect, test } from 'vitest';
import { certification } from '../../support/certification.ts';

describe.each(['superlink', 'supernode'] as const)('the certification commands of the %s', (role) => {
  const checks = certification(role);

  test('are not changed by the double quotes that the marketplace puts them in', () => {
    expect(checks.length).toBeGreaterThan(4);
    expect(checks.filter(({ command }) => /["$`\\]/.test(command))).toEqual([]);
  });

  test('do not wait inside the VM: the marketplace ends a command after 200 seconds', () => {
    expect(checks.filter(({ command }) => /\b(?:sleep|until|while|timeout [1-9])\b/.test(command))).toEqual(
      [],
    );
    expect(checks.filter(({ command }) => /--timeout (?!0\b)/.test(command))).toEqual([]);
  });
});
