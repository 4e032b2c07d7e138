// SuperLink, role level: properties of a run. Flower takes them at `flwr run`, so they go into a file for it.
import { decimal, oneOf, pathBelow, wholeNumber, yesNo } from '../kinds.ts';
import { SUPERLINK, withDefault } from '../variable.ts';

const AT = { roles: SUPERLINK, level: 'role' } as const;

export const RUN = {
  FL_NUM_ROUNDS: withDefault({
    ...AT,
    title: 'Number of federated learning rounds',
    ...wholeNumber({ least: 1 }),
    default: '3',
    runConfig: 'num-server-rounds',
    description: 'How many rounds a run has.',
    example: '10',
  }),

  FL_STRATEGY: withDefault({
    ...AT,
    title: 'Aggregation strategy',
    ...oneOf(['FedAvg', 'FedProx', 'FedAdam', 'Krum', 'Bulyan', 'FedTrimmedAvg']),
    default: 'FedAvg',
    runConfig: 'strategy',
    description: "How the ServerApp combines the SuperNodes' results.",
    example: 'FedProx',
  }),

  FL_MIN_FIT_CLIENTS: withDefault({
    ...AT,
    title: 'Minimum clients for a training round',
    ...wholeNumber({ least: 1 }),
    default: '2',
    runConfig: 'min-fit-clients',
    description: 'A training round starts with at least so many SuperNodes.',
    example: '2',
  }),

  FL_MIN_EVALUATE_CLIENTS: withDefault({
    ...AT,
    title: 'Minimum clients for evaluation',
    ...wholeNumber({ least: 1 }),
    default: '2',
    runConfig: 'min-evaluate-clients',
    description: 'An evaluation round starts with at least so many SuperNodes.',
    example: '2',
  }),

  FL_MIN_AVAILABLE_CLIENTS: withDefault({
    ...AT,
    title: 'Minimum available clients to start',
    ...wholeNumber({ least: 1 }),
    default: '2',
    runConfig: 'min-available-clients',
    description: 'A run waits until so many SuperNodes are there.',
    example: '5',
  }),

  FL_PROXIMAL_MU: withDefault({
    ...AT,
    title: 'FedProx proximal term (mu)',
    ...decimal({ least: 0 }),
    default: '1.0',
    runConfig: 'proximal-mu',
    strategies: ['FedProx'],
    description: 'How strongly FedProx holds clients near the global model.',
    example: '0.5',
  }),

  FL_SERVER_LR: withDefault({
    ...AT,
    title: 'Server-side learning rate',
    ...decimal({ above: 0 }),
    default: '0.1',
    runConfig: 'server-lr',
    strategies: ['FedAdam'],
    description: 'Learning rate of FedAdam on the server.',
    example: '0.01',
  }),

  FL_CLIENT_LR: withDefault({
    ...AT,
    title: 'Client-side learning rate',
    ...decimal({ above: 0 }),
    default: '0.1',
    runConfig: 'client-lr',
    strategies: ['FedAdam'],
    description: 'Learning rate of FedAdam on the clients.',
    example: '0.01',
  }),

  FL_NUM_MALICIOUS: withDefault({
    ...AT,
    title: 'Expected malicious clients (Krum/Bulyan)',
    ...wholeNumber({ least: 0 }),
    default: '0',
    runConfig: 'num-malicious',
    strategies: ['Krum', 'Bulyan'],
    description:
      'How many clients may send wrong results: Krum needs 2f+3 clients, available and in each round, Bulyan 4f+3; for f = 0 as well.',
    example: '1',
  }),

  FL_TRIM_BETA: withDefault({
    ...AT,
    title: 'Trim fraction per tail (FedTrimmedAvg)',
    ...decimal({ above: 0, below: 0.5 }),
    default: '0.2',
    runConfig: 'trim-beta',
    strategies: ['FedTrimmedAvg'],
    description: 'The share of the lowest and of the highest values that FedTrimmedAvg leaves out.',
    example: '0.1',
  }),

  FL_CHECKPOINT_ENABLED: withDefault({
    ...AT,
    title: 'Enable model checkpointing',
    ...yesNo(),
    default: 'NO',
    runConfig: 'checkpoint-enabled',
    description: 'Makes the checkpoint directory and tells the ServerApp to save models there.',
    example: 'YES',
  }),

  FL_CHECKPOINT_INTERVAL: withDefault({
    ...AT,
    title: 'Save checkpoint every N rounds',
    ...wholeNumber({ least: 1 }),
    default: '5',
    runConfig: 'checkpoint-interval',
    description: 'Rounds between two saved models.',
    example: '1',
  }),

  FL_CHECKPOINT_PATH: withDefault({
    ...AT,
    title: 'Checkpoint directory',
    ...pathBelow({ '/app/checkpoints': 'checkpoints' }),
    default: 'checkpoints',
    runConfig: 'checkpoint-path',
    description:
      "Where models are saved, below the SuperLink's state directory; the run config has the absolute path.",
    example: 'checkpoints/mnist',
  }),
} as const;
