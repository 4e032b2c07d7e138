// The answers of OpenNebula's code, as they are kept in answers.json: `make opennebula-answers` writes it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How somebody starts a service; `, other values`: with a value typed for each input of the service. */
export type Way = string;

/** Where a way ends, or the CONTEXT of each role's VMs: an index into `contexts`. */
export type Outcome =
  | { readonly refused: string }
  | { readonly failed: string }
  | { readonly roles: Readonly<Record<string, number>> };

export interface OfVersion {
  /** What OneFlow says at create. */
  readonly refused?: string;
  readonly ways?: Readonly<Record<Way, Outcome>>;
}

/** A vector's parts, or a value. */
export type Attribute = readonly [name: string, value: string | Readonly<Record<string, string>>];

export interface Answers {
  /** What oned's template parser makes of each of TEXTS, by name and then as they came; null: a syntax error. */
  readonly texts: readonly (readonly Attribute[] | null)[];
  readonly contexts: readonly Readonly<Record<string, string>>[];
  readonly answers: Readonly<
    Record<string, { readonly sha256: string; readonly versions: Readonly<Record<string, OfVersion>> }>
  >;
}

export const ANSWERS = join(import.meta.dirname, 'answers.json');
export const readAnswers = (): Answers => JSON.parse(readFileSync(ANSWERS, 'utf8')) as Answers;
