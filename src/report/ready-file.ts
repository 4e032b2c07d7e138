// ready.json: what `flower-context ready` decides by. The agent writes it at each change of its state.

import * as z from 'zod';
import { formatGuarded, parseJson } from '../core/json.ts';
import { Problem } from '../core/problem.ts';
import { readText, writeAtomic } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { unreadable } from './unreadable.ts';

const schema = z.object({
  version: z.literal(1),
  /** Whether this VM serves, or its boot has failed; null while that is being decided. */
  verdict: z.enum(['serves', 'failed']).nullable(),
  /** SHA-256 of the CONTEXT that the verdict is about; null before one was read. */
  context: z.string().nullable(),
  /** Of a failure: the problem as lines for a person. */
  reason: z.string().nullable(),
});

export type ReadyFile = z.infer<typeof schema>;

/** Undefined: the agent has not run since this VM started. A Problem when the file holds something else. */
export function readyOrProblem({ ready }: Paths): ReadyFile | Problem | undefined {
  const text = readText(ready, { owner: 'own' });
  return text === undefined ? undefined : (parseJson(text, schema) ?? unreadable(ready, text, 'the verdict'));
}

/** The same without the problem. */
export function readReady(paths: Paths): ReadyFile | undefined {
  const found = readyOrProblem(paths);
  return found instanceof Problem ? undefined : found;
}

/** Throws Problem state_unwritable. */
export const writeReady = ({ ready }: Paths, file: ReadyFile): void =>
  writeAtomic(ready, `${formatGuarded(file)}\n`, { mode: 0o644, durable: false });
