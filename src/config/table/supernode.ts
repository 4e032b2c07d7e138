// SuperNode, role level: the SuperLink to join, node config, connection and GPU.
import { err, ok, type Result } from '../../core/result.ts';
import { decimal, dialAddress, MOST_SECONDS, oneOf, text, wholeNumber, yesNo } from '../kinds.ts';
import { readNodeConfig } from '../node-config.ts';
import { hasApp } from '../release.ts';
import { rowsOf } from '../variable.ts';

const row = rowsOf('role', 'supernode');

const USE_CASES = ['none', 'image-classification', 'anomaly-detection', 'llm-fine-tuning'] as const;

/** `all` in any case, or ids as CUDA takes them: indexes, or GPU- and MIG- names. */
function readGpuIds(given: string): Result<string> {
  if (given.toLowerCase() === 'all') return ok('all');
  const ids = given.split(',').map((id) => id.trim());
  if (ids.length > 64) return err('more than 64 ids');
  if (!ids.every((id) => /^(0|[1-9]\d{0,3}|(GPU|MIG)-[A-Za-z0-9/-]{1,80})$/.test(id)))
    return err('this is not a list of GPU ids');
  return new Set(ids).size === ids.length
    ? ok(ids.join(','))
    : err('an id is given twice, and then CUDA shows no GPU');
}

export const SUPERNODE_ONLY = {
  FL_SUPERLINK_ADDRESS: row({
    title: 'SuperLink Fleet API address (host:port)',
    ...dialAddress(),
    description:
      'Set: the SuperNode joins this SuperLink without OneGate. Empty: it discovers the SuperLink of the OneFlow service.',
    example: '203.0.113.7:9092',
  }),

  FL_NODE_CONFIG: row({
    title: 'Space-separated key=value node config',
    ...text('key=value pairs separated by blanks; values with blanks in quotes', readNodeConfig),
    redact: true,
    description:
      'Properties of this node for the ClientApp. A key set here wins over the value of the agent (partition-id, num-partitions).',
    example: 'site="Lab 2" partition-id=0 augment=true',
  }),

  FL_MAX_RETRIES: row({
    title: 'Max reconnection attempts (0 = unlimited)',
    ...wholeNumber({ least: 0 }),
    default: '0',
    description:
      "Flower's `--max-retries`, for each call. At the limit the node stops for good (`retry_limit_reached`). 0 omits the flag.",
    example: '20',
  }),

  FL_MAX_WAIT_TIME: row({
    title: 'Max wait for connection in seconds (0 = unlimited)',
    ...wholeNumber({ least: 0, most: MOST_SECONDS }),
    default: '0',
    description:
      "Flower's `--max-wait-time`, for each call. At the limit the node stops for good (`retry_limit_reached`). 0 omits the flag.",
    example: '3600',
  }),

  FL_USE_CASE: row({
    title: 'Pre-built use case',
    ...oneOf(USE_CASES),
    // Forms offer only use cases with an app in the image.
    inputOptions: USE_CASES.filter((useCase) => useCase === 'none' || hasApp(useCase)),
    default: 'none',
    nodeConfig: 'use-case',
    description:
      'Passed to the ClientApp and published. The images of this release have no app for any of them. image-classification needs pytorch or tensorflow, anomaly-detection sklearn, llm-fine-tuning pytorch.',
    example: 'none',
  }),

  FL_GPU_ENABLED: row({
    title: 'Enable NVIDIA GPU support',
    ...yesNo(),
    default: 'NO',
    description: 'YES: the agent detects NVIDIA GPUs. A missing GPU is a degradation, never fatal.',
    example: 'YES',
  }),

  FL_CUDA_VISIBLE_DEVICES: row({
    title: 'GPU ids visible to the ClientApp (all, or 0,1)',
    ...text('all, or comma-separated GPU ids', readGpuIds),
    default: 'all',
    description: '`CUDA_VISIBLE_DEVICES` of Flower, set only when a GPU was found. all leaves it unset.',
    example: '0,1',
  }),

  FL_GPU_MEMORY_FRACTION: row({
    title: 'GPU memory fraction for PyTorch (0-1)',
    ...decimal({ least: 0, most: 1 }),
    default: '0.8',
    nodeConfig: 'gpu-memory-fraction',
    description: 'Passed to the ClientApp.',
    example: '0.5',
  }),

  FL_DCGM_ENABLED: row({
    title: 'Enable DCGM GPU metrics exporter',
    ...yesNo(),
    default: 'NO',
    description:
      'Starts nvidia-dcgm-exporter.service or dcgm-exporter.service, whichever is installed. Without either it is a degradation.',
    example: 'YES',
  }),

  FL_EDGE_BACKOFF: row({
    title: 'Discovery retry spacing',
    ...oneOf(['exponential', 'fixed']),
    default: 'exponential',
    description:
      'fixed: every 10 s, 30 times, then failure. exponential: a growing wait with jitter, up to the maximum, without end.',
    example: 'fixed',
  }),

  FL_EDGE_MAX_BACKOFF: row({
    title: 'Maximum discovery backoff in seconds',
    ...wholeNumber({ least: 1, most: MOST_SECONDS }),
    default: '300',
    description: 'The maximum wait of FL_EDGE_BACKOFF=exponential.',
    example: '60',
  }),
} as const;
