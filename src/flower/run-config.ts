// The run config file: the operator's strategy, client counts and checkpoint variables, in the form that
// `flwr run --run-config <file>` takes. Flower takes these per run, not per SuperLink. All keys are always there, so an
// app can declare them once; an app that does not declare one of them is refused by Flower.
import type { SuperLinkConfig } from '../config/parse.ts';
import { namesOf, rowOf } from '../config/table.ts';
import type { TomlEntry } from '../core/toml.ts';
import { formatToml } from './toml.ts';

/** The file's text. `checkpointDirectory` is the absolute folder that FL_CHECKPOINT_PATH stands for (state.ts). */
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
