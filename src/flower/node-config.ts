// The node config file, which a ClientApp reads as `context.node_config`. It is a file, because the grammar of Flower's
// argument drops pairs with blanks around `=`, cannot express both kinds of quotes and fails on bare words.
import type { TomlEntry, TomlValue } from '../core/toml.ts';
import { formatToml } from './toml.ts';

interface NodeFacts {
  readonly partition: { readonly id: number; readonly of: number } | undefined;
  /** The folder of the site's data. */
  readonly dataPath?: string;
  /** FL_USE_CASE; 'none' is not written. */
  readonly useCase: string;
  /** FL_GPU_MEMORY_FRACTION, only when a GPU is used. */
  readonly gpuMemoryFraction?: number | undefined;
}

/** The text of the file, with sorted keys. `operator`: FL_NODE_CONFIG, whose keys replace the computed ones. */
export function nodeConfigToml(
  operator: readonly TomlEntry[],
  { partition, dataPath, useCase, gpuMemoryFraction }: NodeFacts,
): string {
  const entries = new Map<string, TomlValue | undefined>([
    ['partition-id', partition?.id],
    ['num-partitions', partition?.of],
    ['data-path', dataPath],
    ['use-case', useCase === 'none' ? undefined : useCase],
    ['gpu-memory-fraction', gpuMemoryFraction === undefined ? undefined : { float: gpuMemoryFraction }],
    ...operator,
  ]);
  const given = [...entries].filter((entry): entry is [string, TomlValue] => entry[1] !== undefined);
  return formatToml(given.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
