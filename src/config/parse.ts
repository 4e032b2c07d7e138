// From the raw CONTEXT to a configuration, or to all of its errors, in one pass.
import type * as z from 'zod';
import type { VariableFinding as Finding } from '../core/finding.ts';
import type { BootConfig } from './config.ts';
import { type Given, lookUp } from './given.ts';
import { checkRules, lookAhead } from './rules.ts';
import { showValue } from './secrets.ts';
import { namesInContext, namesOf, rowOf, type VariableName } from './table.ts';
import { unknownVariables } from './unknown.ts';
import { defaultText } from './user-inputs.ts';
import type { ImageFacts } from './variable.ts';

export type { BootConfig, SuperLinkConfig, SuperNodeConfig } from './config.ts';
export type { ImageFacts } from './variable.ts';

export type Parsed =
  | {
      readonly ok: true;
      readonly config: BootConfig;
      readonly warnings: readonly Finding[];
      /** What a boot itself reports; for those who ask before it. */
      readonly ahead: readonly Finding[];
    }
  | { readonly ok: false; readonly problems: readonly Finding[]; readonly warnings: readonly Finding[] };

/**
 * Reads all variables of the image's role from the CONTEXT (name -> value as OpenNebula wrote it). Findings come in the
 * order of the table, then the cross-variable rules, then unknown names. Certificates are only decoded here,
 * src/tls checks them. `open`: names whose values are not known yet; rules that read one of them do not run.
 */
export function parseVariables(
  raw: Readonly<Record<string, string>>,
  image: ImageFacts,
  open: ReadonlySet<string> = new Set(),
): Parsed {
  const findings: Finding[] = [];
  const values = new Map<VariableName, unknown>();
  const given = new Map<VariableName, Given>();
  for (const name of namesOf(image.role)) {
    const { found, finding } = lookUp(raw, name);
    if (finding !== undefined) findings.push(finding);
    if (found === undefined) {
      values.set(name, defaultOf(name, image));
      continue;
    }
    given.set(name, found);
    const { success, data, error } = rowOf(name).schema.safeParse(found.text);
    if (success) values.set(name, data);
    else findings.push(invalid(name, found, error));
  }
  const readable = new Map(
    [...values].filter(([name]) => !namesInContext(name).some((one) => open.has(one))),
  );
  const read = { image, values: readable, given };
  findings.push(...checkRules(read), ...unknownVariables(raw, image.role));

  const warnings = findings.filter(({ severity }) => severity === 'warning');
  const problems = findings.filter(({ severity }) => severity === 'error');
  if (problems.length > 0) return { ok: false, problems, warnings };
  // The schema of its row has read every name of the role, so the object has the type of the table.
  return {
    ok: true,
    config: { role: image.role, ...Object.fromEntries(values) } as unknown as BootConfig,
    warnings,
    ahead: lookAhead(read),
  };
}

function invalid(name: VariableName, { as, text }: Given, error: z.ZodError): Finding {
  const { expected, example } = rowOf(name);
  const found = `${showValue(name, text)}: ${error.issues[0]?.message ?? 'it is not accepted'}`;
  return { variable: as, severity: 'error', found, expected, example };
}

/** The row's own schema reads its default, so every default is a value that an operator may set. */
function defaultOf(name: VariableName, image: ImageFacts): unknown {
  const row = rowOf(name);
  if (typeof row.default === 'object' && 'image' in row.default) return row.default.image(image);
  const text = defaultText(name, image.role);
  return text === undefined ? undefined : row.schema.parse(text);
}
