// Which variables Flower takes at `flwr run`, and under which keys: the rows say it.

import type { TomlEntry, TomlValue } from '../core/toml.ts';
import type { SuperLinkConfig } from './config.ts';
import { namesOf, rowOf } from './table.ts';

/** Key and value of every run config setting, in the order of the table; floats marked as such even when whole. */
export function runConfigOf(config: SuperLinkConfig): TomlEntry[] {
  return namesOf('superlink').flatMap((name): TomlEntry[] => {
    const { runConfig, input } = rowOf(name);
    if (runConfig === undefined) return [];
    const value = (config as unknown as Record<string, string | number | boolean>)[name]!;
    const typed: TomlValue = input === 'number-float' ? { float: value as number } : value;
    return [[runConfig, typed]];
  });
}
