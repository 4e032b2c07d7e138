// The status file: one JSON document, replaced whole at each change, readable by anyone on the VM, without secrets.
import * as z from 'zod';
import { formatGuarded, parseJson } from '../core/json.ts';
import { Problem } from '../core/problem.ts';
import { readText, writeAtomic } from '../host/files.ts';
import { unreadable } from './unreadable.ts';

const time = z.lazy(() => z.string());

const stepSchema = z.lazy(() =>
  z.object({
    id: z.string(),
    title: z.string(),
    state: z.enum(['pending', 'running', 'done', 'kept', 'degraded', 'failed', 'skipped']),
    at: time.nullable(),
    ms: z.number().nullable(),
    note: z.string().nullable(),
  }),
);

const problemSchema = z.lazy(() =>
  z.object({
    code: z.string(),
    kind: z.enum(['fatal', 'degraded', 'warning']),
    doing: z.string(),
    found: z.string(),
    expected: z.string().nullable(),
    example: z.string().nullable(),
    remedy: z.string(),
    variable: z.string().nullable(),
  }),
);

const statusSchema = z.lazy(() =>
  z.object({
    version: z.literal(1),
    role: z.enum(['superlink', 'supernode']).nullable(),
    phase: z.enum(['booting', 'ready', 'failed', 'stopped']),
    /** True once Flower serves (was accepted) and everything is published: what the ready gate may open for. */
    serving: z.boolean(),
    boot: z.enum(['first', 'resumed']),
    pid: z.number(),
    /** When that process was started, in clock ticks since the kernel's boot: with it, the number names one process only. */
    pid_started: z.number().optional(),
    started_at: time,
    updated_at: time,
    waiting: z.object({ for: z.string(), since: time, until: time.nullable(), check: z.string() }).nullable(),
    /** A change that needs a restart of Flower and waits until it interrupts no run. */
    pending: z.object({ reason: z.string(), since: time, because: z.string() }).nullable().default(null),
    steps: z.array(stepSchema),
    problems: z.array(problemSchema),
    facts: z.record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()]),
    ),
  }),
);

export type Status = z.infer<typeof statusSchema>;
export type StatusProblem = z.infer<typeof problemSchema>;
export type StatusFacts = Status['facts'];

/** What a problem looks like in the status file. */
export function statusProblem({ code, severity, facts, remedy }: Problem): StatusProblem {
  return {
    code,
    kind: severity,
    doing: facts.doing,
    found: facts.found,
    expected: facts.expected ?? null,
    example: facts.example ?? null,
    remedy,
    variable: facts.variable ?? null,
  };
}

/** A problem as lines for a person: what, cause chain, expected, example, remedy. */
export const problemLines = (problem: StatusProblem, causes: readonly string[] = []): string[] => [
  `${problem.code}: ${problem.doing}: ${problem.found}`,
  ...causes.map((cause) => `  caused by: ${cause}`),
  ...(problem.expected === null ? [] : [`  expected: ${problem.expected}`]),
  ...(problem.example === null ? [] : [`  for example: ${problem.example}`]),
  `  what to do: ${problem.remedy}`,
];

/** The last status written, undefined without a file; a Problem when the file holds something else. */
export function statusOrProblem(path: string): Status | Problem | undefined {
  const text = readText(path, { owner: 'own' });
  return text === undefined ? undefined : (parseStatus(text) ?? unreadable(path, text, 'the status'));
}

/** The same without the problem. */
export function readStatus(path: string): Status | undefined {
  const found = statusOrProblem(path);
  return found instanceof Problem ? undefined : found;
}

/** @internal */
export const parseStatus = (text: string | undefined): Status | undefined => parseJson(text, statusSchema);

export function writeStatus(path: string, status: Status): void {
  writeAtomic(path, `${formatGuarded(status, 1)}\n`, { mode: 0o644, durable: false });
}
