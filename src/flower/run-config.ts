// The run config file for `flwr run --run-config FILE`: strategy, client counts and checkpoints of the CONTEXT. Flower
// takes them per run. The file always has all keys, and Flower refuses an app that does not declare one of them.
import type { SuperLinkConfig } from '../config/parse.ts';
import { runConfigOf } from '../config/run-config.ts';
import { formatToml } from './toml.ts';

/** The text of the file. `checkpointDirectory`: absolute (directories.ts). */
export const runConfigToml = (config: SuperLinkConfig, checkpointDirectory: string): string =>
  formatToml(
    runConfigOf(config).map(([key, value]) =>
      key === 'checkpoint-path' ? [key, checkpointDirectory] : [key, value],
    ),
  );
