// Variables of a CONTEXT that oned or one-context reads, with values that they do not understand or that break them. All
// are warnings: the agent itself starts with any of them.
import type { VariableFinding } from '../core/finding.ts';
import { describe, quote, quoteName } from '../core/text.ts';

/** `programExists`: whether a program is on the machine that the CONTEXT is for. */
export function platformFindings(
  raw: Readonly<Record<string, string>>,
  programExists: (path: string) => boolean,
): VariableFinding[] {
  const findings: VariableFinding[] = [];
  const warn = (variable: string, found: string, expected: string, example?: string): void => {
    const finding = { variable: quoteName(variable), severity: 'warning', found, expected } as const;
    findings.push(example === undefined ? finding : { ...finding, example });
  };
  const token = given(raw, 'TOKEN');
  // oned accepts YES in letters of any size.
  if (token !== undefined && token.toUpperCase() !== 'YES') {
    const printed = word(token);
    const result = 'the VM gets no OneGate token, and neither publishes nor discovers';
    warn('TOKEN', `${printed}: ${result}`, 'YES', 'YES');
  }
  const report = given(raw, 'REPORT_READY');
  if (report !== undefined && report !== 'YES')
    warn(
      'REPORT_READY',
      `${word(report)}: one-context does not report READY=YES, and a service with a ready gate waits without end`,
      'YES, in capital letters and without blanks',
      'YES',
    );
  const script = given(raw, 'READY_SCRIPT_PATH')?.trim();
  if (script !== undefined && !programExists(script))
    warn(
      'READY_SCRIPT_PATH',
      `${/^\/[\w./-]{1,200}$/.test(script) ? quote(script) : describe(script)}: this file does not exist, and one-context never reports READY=YES`,
      'the path of a program on this VM',
      '/opt/flower/scripts/health-check.sh',
    );
  for (const name of Object.keys(raw).sort())
    if (raw[name] !== '' && /^(PATH|IFS|LD_.*)$/.test(name))
      warn(
        name,
        'one-context runs the CONTEXT as shell variables: with this one its scripts find no programs, and the VM has no network',
        'no variable of this name',
      );
  return findings;
}

/** A short word is a way to say yes or no; anything else may be a secret of another variable. */
const word = (value: string): string => (/^[a-z]{1,5}$/i.test(value.trim()) ? quote(value) : describe(value));

/** Empty is the same as absent. oned replaces a reference. */
function given(raw: Readonly<Record<string, string>>, name: string): string | undefined {
  const value = Object.hasOwn(raw, name) ? raw[name]! : '';
  return value.trim() === '' || /^\$\{?\w/.test(value) ? undefined : value;
}
