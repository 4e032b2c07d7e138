// SuperLink, role level: properties of a run. They go into the file that `flwr run` reads.
import { decimal, oneOf, pathBelow, wholeNumber, yesNo } from '../kinds.ts';
import { rowsOf } from '../variable.ts';

const row = rowsOf('role', 'superlink');

export const RUN = {
  FL_NUM_ROUNDS: row({
    title: 'Number of federated learning rounds',
    ...wholeNumber({ least: 1 }),
    default: '3',
    runConfig: 'num-server-rounds',
    description: 'The number of rounds of a run.',
    example: '10',
  }),

  FL_STRATEGY: row({
    title: 'Aggregation strategy',
    ...oneOf(['FedAvg', 'FedProx', 'FedAdam', 'Krum', 'Bulyan', 'FedTrimmedAvg']),
    default: 'FedAvg',
    runConfig: 'strategy',
    description: 'How the ServerApp combines the results of the SuperNodes.',
    example: 'FedProx',
  }),

  FL_MIN_FIT_CLIENTS: row({
    title: 'Minimum clients for a training round',
    ...wholeNumber({ least: 1 }),
    default: '2',
    runConfig: 'min-fit-clients',
    description: 'A training round needs at least this many SuperNodes.',
    example: '2',
  }),

  FL_MIN_EVALUATE_CLIENTS: row({
    title: 'Minimum clients for evaluation',
    ...wholeNumber({ least: 1 }),
    default: '2',
    runConfig: 'min-evaluate-clients',
    description: 'An evaluation round needs at least this many SuperNodes.',
    example: '2',
  }),

  FL_MIN_AVAILABLE_CLIENTS: row({
    title: 'Minimum available clients to start',
    ...wholeNumber({ least: 1 }),
    default: '2',
    runConfig: 'min-available-clients',
    description: 'A run waits until this many SuperNodes are connected.',
    example: '5',
  }),

  FL_PROXIMAL_MU: row({
    title: 'FedProx proximal term (mu)',
    ...decimal({ least: 0 }),
    default: '1.0',
    runConfig: 'proximal-mu',
    strategies: ['FedProx'],
    description: 'The weight of the proximal term, which keeps clients near the global model.',
    example: '0.5',
  }),

  FL_SERVER_LR: row({
    title: 'Server-side learning rate',
    ...decimal({ above: 0 }),
    default: '0.1',
    runConfig: 'server-lr',
    strategies: ['FedAdam'],
    description: 'Learning rate of FedAdam on the server.',
    example: '0.01',
  }),

  FL_CLIENT_LR: row({
    title: 'Client-side learning rate',
    ...decimal({ above: 0 }),
    default: '0.1',
    runConfig: 'client-lr',
    strategies: ['FedAdam'],
    description: 'Learning rate of FedAdam on the clients.',
    example: '0.01',
  }),

  FL_NUM_MALICIOUS: row({
    title: 'Expected malicious clients (Krum/Bulyan)',
    ...wholeNumber({ least: 0 }),
    default: '0',
    runConfig: 'num-malicious',
    strategies: ['Krum', 'Bulyan'],
    description:
      'The number f of clients that may send wrong results. Krum needs 2f+3 clients, available and in each round. Bulyan needs 4f+3.',
    example: '1',
  }),

  FL_TRIM_BETA: row({
    title: 'Trim fraction per tail (FedTrimmedAvg)',
    ...decimal({ above: 0, below: 0.5 }),
    default: '0.2',
    runConfig: 'trim-beta',
    strategies: ['FedTrimmedAvg'],
    description: 'The fraction of the lowest and of the highest values that FedTrimmedAvg ignores.',
    example: '0.1',
  }),

  FL_CHECKPOINT_ENABLED: row({
    title: 'Enable model checkpointing',
    ...yesNo(),
    default: 'NO',
    runConfig: 'checkpoint-enabled',
    description: 'The agent creates the checkpoint directory, and the ServerApp saves models there.',
    example: 'YES',
  }),

  FL_CHECKPOINT_INTERVAL: row({
    title: 'Save checkpoint every N rounds',
    ...wholeNumber({ least: 1 }),
    default: '5',
    runConfig: 'checkpoint-interval',
    description: 'The number of rounds between two saved models.',
    example: '1',
  }),

  FL_CHECKPOINT_PATH: row({
    title: 'Checkpoint directory',
    ...pathBelow({ '/app/checkpoints': 'checkpoints' }),
    default: 'checkpoints',
    runConfig: 'checkpoint-path',
    description: 'The directory of the models, below the state directory. The run config has the full path.',
    example: 'checkpoints/mnist',
  }),
} as const;

/** How many clients a strategy needs for so many malicious ones; undefined for a strategy without such a rule. */
export function robustClients(
  strategy: string,
  malicious: number,
): { readonly needed: number; readonly formula: string } | undefined {
  const times = { Krum: 2, Bulyan: 4 }[strategy];
  if (times === undefined) return undefined;
  return { needed: times * malicious + 3, formula: `${times} x ${malicious} + 3` };
}
