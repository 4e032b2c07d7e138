// FL_ISOLATION=process: Flower's own process starts no apps. flower-superexec.service does, as the user flower-app. This is
// what its launcher reads (appliance/lib/superexec-launch.py).
import { join } from 'node:path';
import * as z from 'zod';
import { formatHostPort } from '../core/hostport.ts';
import { withParents } from './directories.ts';
import { dialable, type FlowerEndpoints } from './endpoints.ts';
import type { LaunchPlan } from './plan.ts';
import { profileFor } from './profiles.ts';
import type { FlowerFacts } from './settings.ts';
import { superExecFiles } from './superexec-files.ts';

export const SUPEREXEC_UNIT = 'flower-superexec.service';

/** The content of the file: everybody may read it, so nothing in it is secret. The launcher adds the secret to `argv`. @internal */
export const superExecPlanSchema = z.lazy(() =>
  z.strictObject({
    version: z.literal(1),
    /** The address of Flower's API for the apps; it is in `argv`, too. */
    api: z.string(),
    argv: z.array(z.string()),
    environment: z.record(z.string(), z.string()),
    workdir: z.string(),
    /** Made by the launcher, as the user of the apps; parents first. */
    folders: z.array(z.string()),
    /** Seconds without progress after which the launcher ends SuperExec; for tests. */
    silence_seconds: z.optional(z.number()),
  }),
);
export type SuperExecPlan = z.infer<typeof superExecPlanSchema>;

/** The bytes of the file. */
export const formatSuperExecPlan = (plan: SuperExecPlan): string => `${JSON.stringify(plan, null, 2)}\n`;

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
    folders: withParents(paths.superexecState, [
      flwrHome,
      ...(checkpoints === undefined ? [] : [checkpoints]),
    ]),
  };
}
