// The node config file: what a ClientApp reads as `context.node_config`. A file and not an argument, because Flower's
// inline grammar silently drops pairs with blanks around `=`, cannot hold both kinds of quotes, and dies on bare words.
import type { TomlValue } from '../core/toml.ts';
import { formatToml } from './toml.ts';

export interface NodeFacts {
  readonly partition: { readonly id: number; readonly of: number } | undefined;
  /** The folder of the site's own data. */
  readonly dataPath?: string;
  /** FL_USE_CASE; 'none' is left out. */
  readonly useCase: string;
  /** FL_GPU_MEMORY_FRACTION, only when a GPU is used. */
  readonly gpuMemoryFraction?: number | undefined;
}

/**
 * The file's text. What the operator wrote in FL_NODE_CONFIG wins over what was computed, one key at a time; keys are
 * sorted, so that the same content is the same file.
 */
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
  const written: Iterable<readonly [string, TomlValue]> =
    operator instanceof Map ? operator.entries() : Object.entries(operator);
  for (const [key, value] of written) entries.set(key, value);
  return formatToml([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
