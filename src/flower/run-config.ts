// The run config file: the operator's strategy, client counts and checkpoint variables, in the form that
// `flwr run --run-config <file>` takes. Flower takes these per run, not per SuperLink. All keys are always there, so an
// app can declare them once; an app that does not declare one of them is refused by Flower (facts of `flwr run`).
import type { RunSettings } from './settings.ts';
import { float, formatToml, type TomlValue } from './toml.ts';

/** Key of the run config for each variable. */
export const RUN_CONFIG_KEYS = {
  FL_NUM_ROUNDS: 'num-server-rounds',
  FL_STRATEGY: 'strategy',
  FL_MIN_FIT_CLIENTS: 'min-fit-clients',
  FL_MIN_EVALUATE_CLIENTS: 'min-evaluate-clients',
  FL_MIN_AVAILABLE_CLIENTS: 'min-available-clients',
  FL_PROXIMAL_MU: 'proximal-mu',
  FL_SERVER_LR: 'server-lr',
  FL_CLIENT_LR: 'client-lr',
  FL_NUM_MALICIOUS: 'num-malicious',
  FL_TRIM_BETA: 'trim-beta',
  FL_CHECKPOINT_ENABLED: 'checkpoint-enabled',
  FL_CHECKPOINT_INTERVAL: 'checkpoint-interval',
  FL_CHECKPOINT_PATH: 'checkpoint-path',
} as const satisfies Record<keyof RunSettings, string>;

const FLOATS: ReadonlySet<string> = new Set([
  'FL_PROXIMAL_MU',
  'FL_SERVER_LR',
  'FL_CLIENT_LR',
  'FL_TRIM_BETA',
]);

/** The file's text. `checkpointDirectory` is the absolute folder that FL_CHECKPOINT_PATH stands for (state.ts). */
export function runConfigToml(config: RunSettings, checkpointDirectory: string): string {
  const entries = Object.entries(RUN_CONFIG_KEYS).map(([variable, key]): [string, TomlValue] => {
    if (variable === 'FL_CHECKPOINT_PATH') return [key, checkpointDirectory];
    const value = config[variable as keyof RunSettings];
    return [key, FLOATS.has(variable) ? float(value as number) : value];
  });
  return formatToml(entries);
}
