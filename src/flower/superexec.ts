// FL_ISOLATION=process: Flower's own process starts no apps. flower-superexec.service does, as the user flower-app. This is
// what its launcher reads (appliance/lib/flower-superexec.py), and the secret by which Flower knows it.
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { formatHostPort } from '../core/hostport.ts';
import {
  ensureFolder,
  exists,
  type FileAccess,
  pointLink,
  readText,
  remove,
  writeIfChanged,
} from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { dialable, type FlowerEndpoints } from './endpoints.ts';
import type { LaunchPlan } from './plan.ts';
import { profileFor } from './profiles.ts';
import type { FlowerFacts } from './settings.ts';

export const SUPEREXEC_UNIT = 'flower-superexec.service';

/** The content of the file: everybody may read it, so nothing in it is secret. The launcher adds the secret to `argv`. @internal */
export const superExecPlanSchema = z.strictObject({
  version: z.literal(1),
  /** The address of Flower's API for the apps; it is in `argv`, too. */
  api: z.string(),
  argv: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  workdir: z.string(),
  /** Made by the launcher, as the user of the apps. */
  folders: z.array(z.string()),
});
export type SuperExecPlan = z.infer<typeof superExecPlanSchema>;

/** The bytes of the file. */
export const formatSuperExecPlan = (plan: SuperExecPlan): string => `${JSON.stringify(plan, null, 2)}\n`;

/** The files in the only folder of the agent that SuperExec sees. */
export const superExecFiles = ({ superexec }: Paths) =>
  ({
    plan: join(superexec, 'plan.json'),
    /** The CA of the API that SuperExec calls; only with TLS. Flower's own copy lies beside its keys. */
    ca: join(superexec, 'ca.pem'),
    /** Link to the virtual environment. */
    environment: join(superexec, 'env'),
  }) as const;

/** How to start SuperExec beside a Flower with this plan. `checkpoints`: the folder for models; undefined: not wanted. */
export function superExecPlan(
  { role, environment }: LaunchPlan,
  { listeners, tls }: FlowerEndpoints,
  { version, paths, loopback }: Pick<FlowerFacts, 'version' | 'paths' | 'loopback'>,
  checkpoints?: string,
): SuperExecPlan {
  const profile = profileFor(version);
  const secure = role === 'superlink' && tls !== null && profile.runtimeTls;
  const api = formatHostPort(dialable(listeners.runtime, loopback));
  const flwrHome = join(paths.superexecState, '.flwr');
  return {
    version: 1,
    api,
    argv: [
      ...(secure ? ['--root-certificates', superExecFiles(paths).ca] : ['--insecure']),
      profile.superexecAddress,
      api,
      // Required up to 1.37; later versions ignore it with a warning.
      '--plugin-type',
      role === 'superlink' ? 'serverapp' : 'clientapp',
    ],
    environment: { ...environment, HOME: paths.superexecState, FLWR_HOME: flwrHome },
    workdir: paths.superexecState,
    folders: [flwrHome, ...(checkpoints === undefined ? [] : [checkpoints])],
  };
}

/**
 * The secret of this boot of the VM, made when there is none: 64 hexadecimal digits. Flower reads the file; systemd opens
 * it for SuperExec, so the apps, which have the same user as SuperExec, cannot.
 */
export function ensureSecret({ superexecSecret }: Paths, access: FileAccess): string {
  const found = readText(superexecSecret, 1024);
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
  ensureFolder(dirname(files.plan), { mode: 0o755 });
  pointLink(files.environment, environment);
  if (ca === undefined) remove(files.ca);
  else writeIfChanged(files.ca, ca, access);
  writeIfChanged(files.plan, text, access);
}

/** False when there was nothing to remove. */
export function removeSuperExec(paths: Paths): boolean {
  const files = superExecFiles(paths);
  if (!exists(files.plan)) return false;
  for (const path of [files.ca, files.environment, paths.superexecSecret, files.plan]) remove(path);
  return true;
}
