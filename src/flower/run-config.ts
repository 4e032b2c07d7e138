// The run config file for `flwr run --run-config FILE`: strategy, client counts and checkpoints of the CONTEXT. Flower
// takes them per run. The file always has all keys, and Flower refuses an app that does not declare one of them.
import type { SuperLinkConfig } from '../config/parse.ts';
import { namesOf, rowOf } from '../config/table.ts';
import type { TomlEntry } from '../core/toml.ts';
import { formatToml } from './toml.ts';

/** The text of the file. `checkpointDirectory`: absolute (directories.ts). */
export const runConfigToml = (config: SuperLinkConfig, checkpointDirectory: string): string =>
  formatToml(
    runConfigOf(config).map(([key, value]) =>
      key === 'checkpoint-path' ? [key, checkpointDirectory] : [key, value],
    ),
  );

/** Key and value of every setting, in the order of the table. */
export const runConfigOf = (config: SuperLinkConfig): TomlEntry[] =>
  namesOf('superlink').flatMap((name): TomlEntry[] => {
    const { runConfig, input } = rowOf(name);
    if (runConfig === undefined) return [];
    const value = (config as unknown as Record<string, string | number | boolean>)[name]!;
    return [[runConfig, input === 'number-float' ? { float: value as number } : value]];
  });
