// The directories of Flower. systemd makes that of the role (StateDirectory=), the launcher those below, as Flower's user.
// The agent only names them: it is root, and must not follow names where others can write.
import { dirname, join } from 'node:path';
import type { SuperLinkConfig, SuperNodeConfig } from '../config/config.ts';
import type { Role } from '../core/role.ts';
import type { Paths } from '../host/paths.ts';

/** The role's state directory: Flower's HOME and working directory. */
export const stateDirectory = (paths: Paths, role: Role): string => join(paths.flowerState, role);

/** PATH for Flower, which starts its child processes by bare name. `environment`: folder of the virtual environment. */
export const commandPath = (environment: string): string =>
  [join(environment, 'bin'), '/usr/local/bin', '/usr/bin', '/bin'].join(':');

/** FLWR_HOME: unpacked apps and config.toml. It is Flower's own default, `~/.flwr`. */
export const flwrHome = (paths: Paths, role: Role): string => join(stateDirectory(paths, role), '.flwr');

/** The database of the SuperLink. `database`: FL_DATABASE, relative. Flower does not create its folder. */
export const databaseFile = (paths: Paths, database: string): string =>
  join(stateDirectory(paths, 'superlink'), database);

/**
 * Where a run writes checkpoints: below the directory of the user that ServerApps run as. `/app/checkpoints` means the
 * default.
 */
export const checkpointDirectory = (
  paths: Paths,
  { FL_CHECKPOINT_PATH: path, FL_ISOLATION }: Pick<SuperLinkConfig, 'FL_CHECKPOINT_PATH' | 'FL_ISOLATION'>,
): string =>
  join(
    FL_ISOLATION === 'process' ? paths.superexecState : stateDirectory(paths, 'superlink'),
    path === '/app/checkpoints' ? 'checkpoints' : path,
  );

/** The directories that have to exist below the state directory before Flower starts; absolute, parents first. */
export function directoriesFlowerNeeds(
  paths: Paths,
  config:
    | Pick<SuperNodeConfig, 'role'>
    | Pick<
        SuperLinkConfig,
        'role' | 'FL_DATABASE' | 'FL_CHECKPOINT_ENABLED' | 'FL_CHECKPOINT_PATH' | 'FL_ISOLATION'
      >,
): string[] {
  const state = stateDirectory(paths, config.role);
  const wanted = [flwrHome(paths, config.role)];
  if (config.role === 'superlink') {
    wanted.push(dirname(databaseFile(paths, config.FL_DATABASE)));
    if (config.FL_CHECKPOINT_ENABLED && config.FL_ISOLATION === 'subprocess')
      wanted.push(checkpointDirectory(paths, config));
  }
  return withParents(state, wanted);
}

/** These directories and all between them and `above`, which they are below; absolute, parents first. */
export function withParents(above: string, wanted: readonly string[]): string[] {
  const all = new Set<string>();
  for (const directory of wanted) {
    const parts = directory.slice(above.length).split('/').filter(Boolean);
    for (let depth = 1; depth <= parts.length; depth++) all.add(join(above, ...parts.slice(0, depth)));
  }
  return [...all];
}
