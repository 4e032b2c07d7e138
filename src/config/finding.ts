import { describe, quote } from '../core/text.ts';
import { rowOf, type VariableName } from './table.ts';

export type { VariableFinding as Finding } from '../core/finding.ts';

/** A value of `name` as far as it may be shown. */
export function showValue(name: VariableName, value: string): string {
  const { secret, redact: quiet } = rowOf(name);
  return secret || quiet ? describe(value) : quote(value);
}
