// in-force.json: what Flower runs with. It tells a boot in which parts the plan that it has made differs, and what is really
// published and shown meanwhile. Only for the process that took the plan: a reboot removes the file.
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import type { FlowerState } from '../flower/state-file.ts';
import { readText, remove, unlessUnfit, writeIfChanged } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { PART_NAMES, type Parts } from './parts.ts';

const text = z.lazy(() => z.string());

const schema = z.lazy(() =>
  z.object({
    version: z.literal(1),
    /** SHA-256 of the launch plan, as in link.json. */
    plan: text,
    /** The parts of the package that wrote it: another one may know others. */
    parts: z
      .record(text, text)
      .transform(
        (given): Parts =>
          Object.fromEntries(PART_NAMES.filter((name) => name in given).map((name) => [name, given[name]])),
      ),
    /** The server certificate; null on a SuperNode and in plaintext. */
    certificate: z.nullable(
      z.object({ until: z.iso.datetime(), sans: z.array(text), dns: z.array(text), ip: z.array(text) }),
    ),
    /** The change that waits: since when, and which process of Flower it spares. */
    pending: z.nullable(z.object({ since: z.iso.datetime(), process: text, reason: text })),
  }),
);

export type InForce = z.infer<typeof schema>;

/** What a plan will be in force with: everything of the record that does not come from running it. */
export type Described = Pick<InForce, 'parts' | 'certificate'>;

export interface PendingChange {
  /** What differs, as a phrase. */
  readonly reason: string;
  readonly since: Date;
  /** What would be interrupted now, or why that is not known, as a clause. */
  readonly because: string;
  /** From this moment it does not wait any more; undefined: it has no such limit. */
  readonly until: Date | undefined;
  /** It has waited for too long, and that is reported. */
  readonly overdue: boolean;
  /** The process of Flower that is spared. */
  readonly process: string;
}

export const readInForce = ({ inForce }: Paths): InForce | undefined =>
  unlessUnfit(() => parseJson(readText(inForce, { owner: 'own' }), schema));

/** Throws Problem state_unwritable. */
export const writeInForce = ({ inForce }: Paths, record: InForce): void =>
  void writeIfChanged(inForce, `${JSON.stringify(record)}\n`, { mode: 0o600, durable: false });

/** The plan is in force from now on, and no change waits. Gives its parts. Throws Problem state_unwritable. */
export function putInForce(
  paths: Paths,
  { hash, describe }: { hash: string; describe: () => Described },
): Parts {
  const described = describe();
  writeInForce(paths, { version: 1, plan: hash, ...described, pending: null });
  return described.parts;
}

/** The name of a process that is not used again. */
export const processOf = ({ pid, started }: Pick<FlowerState, 'pid' | 'started'>): string =>
  `${pid} ${started}`;

/** Whether a person has asked not to wait (`flower-context apply --now`). The request is used up. */
export function takeRequest({ applyNow }: Paths): boolean {
  const requested = unlessUnfit(() => readText(applyNow, { owner: 'own' })) !== undefined;
  if (requested) remove(applyNow);
  return requested;
}
