// What one-context and oned read of a CONTEXT, and would not understand or could not survive. Only warnings: the agent
// itself starts with all of it.
import type { VariableFinding as Finding } from '../core/finding.ts';
import { quote, quoteName } from '../core/text.ts';

/** `isThere`: whether a program is on this machine; always true where that cannot be known. */
export function platformFindings(
  raw: Readonly<Record<string, string>>,
  isThere: (path: string) => boolean,
): Finding[] {
  const found: Finding[] = [];
  const warn = (variable: string, what: string, expected: string, example?: string): void => {
    found.push({
      variable: quoteName(variable),
      severity: 'warning',
      found: what,
      expected,
      ...(example === undefined ? {} : { example }),
    });
  };
  const token = given(raw, 'TOKEN');
  // oned reads TOKEN in letters of any size.
  if (token !== undefined && token.toUpperCase() !== 'YES') {
    // What stands there instead may be a token.
    const shown = /^[a-z]{1,5}$/i.test(token) ? quote(token) : `a value of ${token.length} characters`;
    warn(
      'TOKEN',
      `${shown}: the VM gets no OneGate token, and neither publishes nor discovers`,
      'YES',
      'YES',
    );
  }
  const report = given(raw, 'REPORT_READY');
  if (report !== undefined && report !== 'YES')
    warn(
      'REPORT_READY',
      `${quote(report)}: one-context does not report READY=YES, and a service with a ready gate waits without end`,
      'YES, in capital letters and without blanks',
      'YES',
    );
  const script = given(raw, 'READY_SCRIPT_PATH')?.trim();
  if (script !== undefined && !isThere(script))
    warn(
      'READY_SCRIPT_PATH',
      `${quote(script)}: there is no such file, and one-context never reports READY=YES`,
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
  return found;
}

/** Empty is the same as absent. A reference is filled in by oned. */
function given(raw: Readonly<Record<string, string>>, name: string): string | undefined {
  const value = Object.hasOwn(raw, name) ? raw[name]! : '';
  return value.trim() === '' || /^\$\{?\w/.test(value) ? undefined : value;
}
