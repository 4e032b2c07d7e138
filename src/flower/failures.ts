// Installations that failed on this machine. A boot does not repeat them; `flower-context install` does.
import { dirname } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { Problem } from '../core/problem.ts';
import { ensureFolder, readText, remove, unlessUnfit, writeAtomic } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';

const failure = z.object({
  /** The environment of the image at that time. With another image the installation is tried again. */
  image: z.string(),
  /** The reason, as a clause. */
  found: z.string(),
  at: z.iso.datetime(),
});
const schema = z.record(z.string(), failure);

type Failure = z.infer<typeof failure>;

/** By the name of the environment, VERSION-FRAMEWORK. A damaged file counts as empty. */
const readFailures = (paths: Paths): Record<string, Failure> =>
  parseJson(
    unlessUnfit(() => readText(paths.failedInstallations, { owner: 'own' })),
    schema,
  ) ?? {};

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

/** Without a writable disk the next boot tries again; this boot continues. */
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
