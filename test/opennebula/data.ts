// The answers of OpenNebula's code in answers.json, which `make opennebula-answers` writes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a user starts a service; `, other values`: with a value for each input of the service. */
export type Way = string;

/** The refusal or failure, or the CONTEXT of the VMs of each role: an index of `contexts`. */
export type Outcome =
  | { readonly refused: string }
  | { readonly failed: string }
  | { readonly roles: Readonly<Record<string, number>> };

export interface OfVersion {
  /** The refusal of OneFlow at create. */
  readonly refused?: string;
  readonly ways?: Readonly<Record<Way, Outcome>>;
}

/** The parts of a vector, or a value. */
export type Attribute = readonly [name: string, value: string | Readonly<Record<string, string>>];

export interface Answers {
  /** The result of oned's template parser for each of TEXTS, by name and then in their order; null: a syntax error. */
  readonly texts: readonly (readonly Attribute[] | null)[];
  readonly contexts: readonly Readonly<Record<string, string>>[];
  readonly answers: Readonly<
    Record<string, { readonly sha256: string; readonly versions: Readonly<Record<string, OfVersion>> }>
  >;
}

export const ANSWERS = join(import.meta.dirname, 'answers.json');
export const readAnswers = (): Answers => JSON.parse(readFileSync(ANSWERS, 'utf8')) as Answers;
