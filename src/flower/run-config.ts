// The run config file: the operator's strategy, client counts and checkpoint variables, in the form that
// `flwr run --run-config <file>` takes. Flower takes these per run, not per SuperLink. All keys are always there, so an
// app can declare them once; an app that does not declare one of them is refused by Flower.
import type { SuperLinkConfig } from '../config/parse.ts';
import { runConfigOf } from '../config/run-config.ts';
import { formatToml } from './toml.ts';

/** The file's text. `checkpointDirectory` is the absolute folder that FL_CHECKPOINT_PATH stands for (state.ts). */
export const runConfigToml = (config: SuperLinkConfig, checkpointDirectory: string): string =>
  formatToml(
    runConfigOf(config).map(([key, value]) =>
      key === 'checkpoint-path' ? [key, checkpointDirectory] : [key, value],
    ),
  );
