// What is wrong, or odd, about one variable.
import { describe, quote } from '../core/text.ts';
import { rowOf, type VariableName } from './table.ts';

export interface Finding {
  /** The variable as the operator wrote it (with ONEAPP_ if so). */
  readonly variable: string;
  readonly severity: 'error' | 'warning';
  /** What was found. Never holds a secret, never a line break. */
  readonly found: string;
  /** What would be right. */
  readonly expected: string;
  /** A value that would be accepted. */
  readonly example?: string;
}

/** A value of `name` as far as it may be shown. */
export function showValue(name: VariableName, value: string): string {
  const { secret, redact: quiet } = rowOf(name);
  return secret || quiet ? describe(value) : quote(value);
}
