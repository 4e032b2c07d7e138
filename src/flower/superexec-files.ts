// The files of SuperExec: its plan and what it needs besides, in the only folder of the agent that it sees, and the secret.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  ensureFolder,
  type FileAccess,
  pointLink,
  readText,
  remove,
  unlessUnfit,
  writeIfChanged,
} from '../host/files.ts';
import type { Paths } from '../host/paths.ts';

export const superExecFiles = ({ superexec }: Paths) =>
  ({
    plan: join(superexec, 'plan.json'),
    /** The CA of the API that SuperExec calls; only with TLS. Flower's own copy lies beside its keys. */
    ca: join(superexec, 'ca.pem'),
    /** Link to the virtual environment. */
    environment: join(superexec, 'env'),
  }) as const;

/**
 * The secret of this boot of the VM, made when there is none: 64 hexadecimal digits. Flower reads the file; systemd opens
 * it for SuperExec, so the apps, which have the same user as SuperExec, cannot.
 */
export function ensureSecret({ superexecSecret }: Paths, access: FileAccess): string {
  const found = unlessUnfit(() => readText(superexecSecret));
  const secret =
    found !== undefined && /^[0-9a-f]{64}$/.test(found) ? found : randomBytes(32).toString('hex');
  writeIfChanged(superexecSecret, secret, access);
  return secret;
}

/** What SuperExec starts with: the text of its plan, the CA (PEM), and the folder of the virtual environment. */
export interface PreparedSuperExec {
  readonly text: string;
  readonly ca: string | undefined;
  readonly environment: string;
}

/** Written before Flower starts, which starts SuperExec again (PartOf= of the unit). */
export function writeSuperExec(paths: Paths, { text, ca, environment }: PreparedSuperExec): void {
  const files = superExecFiles(paths);
  const access = { mode: 0o644, durable: false };
  ensureFolder(paths.superexec, { mode: 0o755 });
  pointLink(files.environment, environment);
  if (ca === undefined) remove(files.ca);
  else writeIfChanged(files.ca, ca, access);
  writeIfChanged(files.plan, text, access);
}

/** The plan goes last: it shows that there is something to stop and to remove. */
export function removeSuperExec(paths: Paths): void {
  const files = superExecFiles(paths);
  for (const path of [files.ca, files.environment, paths.superexecSecret, files.plan]) remove(path);
}
