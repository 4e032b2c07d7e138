// What could not be installed on this machine: a boot does not spend its time on it again before somebody asks for that.
import { dirname } from 'node:path';
import * as z from 'zod';
import { Problem } from '../core/problem.ts';
import { ensureFolder, readText, remove, writeAtomic } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';

const failure = z.object({
  /** The environment of the image at that time: another image may have what this one lacked. */
  image: z.string(),
  /** Why it could not be installed. */
  found: z.string(),
  at: z.iso.datetime(),
});
const schema = z.record(z.string(), failure);

export type Failure = z.infer<typeof failure>;

/** By the environment's name, VERSION-FRAMEWORK. A file that is damaged remembers nothing. */
function readFailures(paths: Paths): Record<string, Failure> {
  try {
    return schema.parse(JSON.parse(readText(paths.failedInstallations) ?? '{}'));
  } catch {
    return {};
  }
}

export function failureOf(name: string, image: string, paths: Paths): Failure | undefined {
  const found = readFailures(paths);
  return Object.hasOwn(found, name) && found[name]!.image === image ? found[name] : undefined;
}

export const rememberFailure = (name: string, failure: Failure, paths: Paths): void =>
  change(paths, { ...readFailures(paths), [name]: failure });

export function forgetFailure(name: string, paths: Paths): void {
  const { [name]: gone, ...rest } = readFailures(paths);
  if (gone !== undefined) change(paths, rest);
}

/** A disk that cannot be written costs another attempt at the next boot, and not this boot. */
function change(paths: Paths, failures: Record<string, Failure>): void {
  const path = paths.failedInstallations;
  try {
    if (Object.keys(failures).length === 0) remove(path);
    else {
      ensureFolder(dirname(path), { mode: 0o755 });
      writeAtomic(path, `${JSON.stringify(failures, null, 2)}\n`, { mode: 0o644 });
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}
