// The finished steps, in one file that is replaced as a whole. A step is recorded after it succeeded, with a fingerprint of
// everything its result depends on. Writes are batched, because an fsync costs more than most steps. Before a step runs, the
// file on the disk no longer lists it.

import { dirname } from 'node:path';
import * as z from 'zod';
import type { PartitionMemory } from '../cluster/partition-manager.ts';
import { parseJson } from '../core/json.ts';
import { attempt, Problem } from '../core/problem.ts';
import { ensureFolder, exists, quarantine, readText, remove, writeAtomic } from '../host/files.ts';
import { sha256 } from '../host/machine.ts';

/** FL_DATABASE is a name that an operator types. */
const MOST_DATABASES = 20;

const OLD_MEMBERS = 'roster';

const schema = z.object({
  version: z.literal(1),
  steps: z.record(z.string(), z.object({ fingerprint: z.string(), at: z.string() })),
  /** Which partition this node last claimed: kept even when other steps are forgotten. */
  partition: z
    .object({
      id: z.int().min(0),
      of: z.int().min(1),
      vmId: z.int().optional(),
      members: z.string().optional(),
      /** The name in files of 0.1. */
      [OLD_MEMBERS]: z.string().optional(),
      byRank: z.boolean().optional(),
      moved: z.object({ at: z.string(), members: z.string() }).optional(),
      altered: z.int().optional(),
      suspicion: z.string().optional(),
    })
    .transform(({ [OLD_MEMBERS]: old, members = old, ...rest }): PartitionMemory => ({ ...rest, members }))
    .optional(),
  /** Which Flower last opened the SuperLink's database: kept even when other steps are forgotten. */
  database: z
    .object({
      file: z.string().optional(),
      flower: z.string(),
      /** The same of the databases before, by FL_DATABASE, the newest last. */
      before: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
});

type Content = z.infer<typeof schema>;

/** Finished steps, the partition and the version of the database, across boots. Reading never fails: a damaged file, or what else has its name, is quarantined, and `damage` has the problem. */
export class Checkpoint {
  readonly #path: string;
  #content: Content = { version: 1, steps: {} };
  /** Steps have been finished that the file does not know of. */
  #behind = false;
  readonly damage: Problem | undefined;
  #damageReported = false;

  constructor(path: string, now: Date) {
    this.#path = path;
    const text = attempt(() => readText(path, { owner: 'own' }));
    if (text === undefined) return;
    const parsed = text instanceof Problem ? undefined : parseJson(text, schema);
    if (parsed !== undefined) {
      this.#content = parsed;
      return;
    }
    const kept = attempt(() => quarantine(path, now));
    const aside =
      kept instanceof Problem
        ? `it could not be set aside (${kept.facts.found}), and a step that needs it will fail`
        : `what was there is kept as ${kept}`;
    this.damage = new Problem('state_damaged', {
      doing: `reading the checkpoint ${path}`,
      found:
        text instanceof Problem ? text.facts.found : `${text.length} characters that are not a checkpoint`,
      expected: 'the JSON this agent wrote',
      remedy: `nothing: every step is checked anew; ${aside}`,
    });
  }

  /** The damage, once: what was there has been set aside, so later boots have no such problem. */
  takeDamage(): Problem | undefined {
    const damage = this.#damageReported ? undefined : this.damage;
    this.#damageReported = true;
    return damage;
  }

  /** True when nothing has been finished here yet. */
  get empty(): boolean {
    return Object.keys(this.#content.steps).length === 0;
  }

  get partition(): Content['partition'] {
    return this.#content.partition;
  }

  /** When the step was last finished, with whatever inputs. */
  finishedAt(step: string): string | undefined {
    return this.#content.steps[step]?.at;
  }

  /** Whether the step was finished with exactly these inputs. */
  has(step: string, inputs: unknown): boolean {
    return this.#content.steps[step]?.fingerprint === fingerprint(inputs);
  }

  /** The step is done. On the disk with the next `keep` at the latest. */
  record(step: string, inputs: unknown, now: Date): void {
    this.#content.steps[step] = { fingerprint: fingerprint(inputs), at: now.toISOString() };
    this.#behind = true;
  }

  /** Everything recorded is on the disk. Throws Problem state_unwritable. */
  keep(): void {
    if (this.#behind) this.#write();
  }

  /** The step is about to run again: until it succeeds, it is not done. */
  forgetStep(step: string): void {
    if (this.#content.steps[step] === undefined) return;
    delete this.#content.steps[step];
    this.#write();
  }

  rememberPartition(partition: NonNullable<Content['partition']>): void {
    this.#content.partition = partition;
    this.#write();
  }

  get database(): Content['database'] {
    return this.#content.database;
  }

  /** `file`: FL_DATABASE; undefined: whatever database there is (a restored backup). */
  rememberDatabase(database: { readonly file?: string; readonly flower: string }): void {
    const last = this.#content.database;
    const earlier = Object.entries({
      ...last?.before,
      ...(last?.file !== undefined && { [last.file]: last.flower }),
    });
    const others = earlier.filter(([file]) => file !== database.file).slice(-MOST_DATABASES);
    const before =
      database.file === undefined || others.length === 0 ? {} : { before: Object.fromEntries(others) };
    this.#content.database = { ...database, ...before };
    this.#write();
  }

  /** Forgets all steps. What this VM has claimed and migrated stays true. */
  forget(): void {
    const { partition: kept, database } = this.#content;
    // Whether claims can be relied on is judged anew.
    const partition = kept && { ...kept, altered: undefined, suspicion: undefined };
    this.#content = { version: 1, steps: {}, partition, database };
    if (partition === undefined && database === undefined) remove(this.#path);
    else this.#write();
  }

  #write(): void {
    // The first mark is made before the step that prepares the folders.
    if (!exists(dirname(this.#path))) ensureFolder(dirname(this.#path), { mode: 0o755 });
    writeAtomic(this.#path, `${JSON.stringify(this.#content)}\n`, { mode: 0o600 });
    this.#behind = false;
  }
}

/** The same inputs give the same fingerprint; secrets among them cannot be read back from it. */
const fingerprint = (inputs: unknown): string => sha256(JSON.stringify(inputs) ?? 'undefined');
