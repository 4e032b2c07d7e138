// The node config file, which a ClientApp reads as `context.node_config`. It is a file, because the grammar of Flower's
// argument drops pairs with blanks around `=`, cannot express both kinds of quotes and fails on bare words.
import type { TomlValue } from '../core/toml.ts';
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
  operator: Readonly<Record<string, TomlValue>> | ReadonlyMap<string, TomlValue>,
  facts: NodeFacts,
): string {
  const entries = new Map<string, TomlValue>();
  if (facts.partition !== undefined) {
    entries.set('partition-id', facts.partition.id);
    entries.set('num-partitions', facts.partition.of);
  }
  if (facts.dataPath !== undefined) entries.set('data-path', facts.dataPath);
  if (facts.useCase !== 'none') entries.set('use-case', facts.useCase);
  if (facts.gpuMemoryFraction !== undefined)
    entries.set('gpu-memory-fraction', { float: facts.gpuMemoryFraction });
  const given: Iterable<readonly [string, TomlValue]> =
    operator instanceof Map ? operator.entries() : Object.entries(operator);
  for (const [key, value] of given) entries.set(key, value);
  return formatToml([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
