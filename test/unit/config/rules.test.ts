// The cross-variable rules. Each line is a context, and what is said about it: variable and a piece of the sentence.
import { describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { type ImageFacts, parseVariables } from '../../../src/config/parse.ts';
import { CERTIFICATE, KEY, LINK, NODE, problems, warnings } from './support.ts';

type Case = [
  what: string,
  image: ImageFacts,
  raw: Record<string, string>,
  variable?: string | undefined,
  found?: RegExp | undefined,
];

/** Somebody has installed PyTorch beside what is baked. */
const WITH_PYTORCH: ImageFacts = { ...LINK, installed: [`${BAKED_FLOWER}-none`, `${BAKED_FLOWER}-pytorch`] };
const SKLEARN: ImageFacts = { ...NODE, framework: 'sklearn' };
const BARE: ImageFacts = { ...NODE, framework: 'none' };

const clients = (available: number, fit: number): Record<string, string> => ({
  FL_MIN_AVAILABLE_CLIENTS: String(available),
  FL_MIN_FIT_CLIENTS: String(fit),
});

const ERRORS: Case[] = [
  [
    'Krum with one malicious client needs five',
    LINK,
    { FL_STRATEGY: 'Krum', FL_NUM_MALICIOUS: '1', ...clients(4, 5) },
    'FL_MIN_AVAILABLE_CLIENTS',
    /^4, too few/,
  ],
  [
    'also in each round',
    LINK,
    { FL_STRATEGY: 'Krum', FL_NUM_MALICIOUS: '1', ...clients(5, 4) },
    'FL_MIN_FIT_CLIENTS',
    /^4, too few/,
  ],
  ['five are enough', LINK, { FL_STRATEGY: 'Krum', FL_NUM_MALICIOUS: '1', ...clients(5, 5) }],
  [
    'Krum without malicious clients needs three',
    LINK,
    { FL_STRATEGY: 'Krum', ...clients(3, 2) },
    'FL_MIN_FIT_CLIENTS',
    /^2, too few/,
  ],
  ['three are enough', LINK, { FL_STRATEGY: 'Krum', ...clients(3, 3) }],
  [
    'Bulyan with two malicious clients needs eleven',
    LINK,
    { FL_STRATEGY: 'Bulyan', FL_NUM_MALICIOUS: '2', ...clients(10, 11) },
    'FL_MIN_AVAILABLE_CLIENTS',
    /^10, too few/,
  ],
  ['eleven are enough', LINK, { FL_STRATEGY: 'Bulyan', FL_NUM_MALICIOUS: '2', ...clients(11, 11) }],
  ['Bulyan without malicious clients needs three', LINK, { FL_STRATEGY: 'Bulyan', ...clients(3, 3) }],
  ...['.flwr', '.flwr/state.db', '.flwr/apps/x/state.db'].map(
    (path): Case => [
      `a database at ${path}`,
      LINK,
      { FL_DATABASE: path },
      'FL_DATABASE',
      /in the directory that Flower uses/,
    ],
  ),
  ...['.flwr', '.flwr/models'].map(
    (path): Case => [
      `checkpoints at ${path}`,
      LINK,
      { FL_CHECKPOINT_ENABLED: 'YES', FL_CHECKPOINT_PATH: path },
      'FL_CHECKPOINT_PATH',
      /in the directory that Flower uses/,
    ],
  ),
  ...[
    ['checkpoints', 'checkpoints'],
    ['checkpoints', '/app/checkpoints'],
    ['models', 'models/mnist'],
    ['state/state.db', 'state/state.db/models'],
    ['state/state.db', 'state/state.db-wal'],
    ['state/state.db', 'state/state.db-journal/models'],
    ['x', 'x-shm'],
  ].map(
    ([database = '', checkpoints = '']): Case => [
      `a database ${database} and checkpoints in ${checkpoints}`,
      LINK,
      { FL_DATABASE: database, FL_CHECKPOINT_ENABLED: 'YES', FL_CHECKPOINT_PATH: checkpoints },
      'FL_DATABASE',
      /a file at or above the directory of FL_CHECKPOINT_PATH/,
    ],
  ),
  [
    'checkpoints that are not written may have the name of the database',
    LINK,
    { FL_DATABASE: 'checkpoints', FL_CHECKPOINT_PATH: 'checkpoints' },
  ],
  ...[
    ['checkpoints/state.db', 'checkpoints'],
    ['.flwr2', '.flwrx/models'],
    ['state/.flwr', 'state/checkpoints'],
    ['state', 'states/models'],
  ].map(
    ([database = '', checkpoints = '']): Case => [
      `a database ${database} beside checkpoints in ${checkpoints}`,
      LINK,
      { FL_DATABASE: database, FL_CHECKPOINT_ENABLED: 'YES', FL_CHECKPOINT_PATH: checkpoints },
    ],
  ),
  ['FedAvg does not count malicious clients', LINK, { FL_NUM_MALICIOUS: '9' }],
  [
    'a timeout as long as the interval',
    LINK,
    { FL_GRPC_KEEPALIVE_TIME: '20' },
    'FL_GRPC_KEEPALIVE_TIMEOUT',
    /^20 s, not less than FL_GRPC_KEEPALIVE_TIME \(20 s\)/,
  ],
  [
    'the same on a SuperNode, under the name that was used',
    NODE,
    { ONEAPP_FL_GRPC_KEEPALIVE_TIMEOUT: '90' },
    'ONEAPP_FL_GRPC_KEEPALIVE_TIMEOUT',
    /^90 s/,
  ],
  ['a shorter timeout', NODE, { FL_GRPC_KEEPALIVE_TIME: '40', FL_GRPC_KEEPALIVE_TIMEOUT: '39' }],
  [
    'a certificate without key and CA',
    LINK,
    { FL_SSL_CERTFILE: CERTIFICATE },
    'FL_SSL_CA_CERTFILE',
    /FL_SSL_CA_CERTFILE and FL_SSL_KEYFILE are empty while FL_SSL_CERTFILE is set/,
  ],
  ['a CA alone on a SuperLink', LINK, { FL_SSL_CA_CERTFILE: CERTIFICATE }, 'FL_SSL_CERTFILE', /are empty/],
  [
    'a key that is missing',
    LINK,
    { FL_SSL_CA_CERTFILE: CERTIFICATE, FL_SSL_CERTFILE: CERTIFICATE },
    'FL_SSL_KEYFILE',
    /is empty while FL_SSL_CA_CERTFILE and FL_SSL_CERTFILE are set/,
  ],
  ['all three', LINK, { FL_SSL_CA_CERTFILE: CERTIFICATE, FL_SSL_CERTFILE: CERTIFICATE, FL_SSL_KEYFILE: KEY }],
  ['a CA alone on a SuperNode', NODE, { FL_SSL_CA_CERTFILE: CERTIFICATE }],
  [
    'image-classification with sklearn',
    SKLEARN,
    { FL_USE_CASE: 'image-classification' },
    'FL_USE_CASE',
    /^'image-classification' with ML_FRAMEWORK=sklearn/,
  ],
  ['image-classification with pytorch', NODE, { FL_USE_CASE: 'image-classification' }],
  [
    'image-classification with tensorflow',
    NODE,
    { FL_USE_CASE: 'image-classification', ML_FRAMEWORK: 'tensorflow' },
  ],
  ['anomaly-detection with pytorch', NODE, { FL_USE_CASE: 'anomaly-detection' }, 'FL_USE_CASE', /pytorch/],
  ['anomaly-detection with sklearn', SKLEARN, { FL_USE_CASE: 'anomaly-detection' }],
  [
    'llm-fine-tuning with tensorflow',
    NODE,
    { FL_USE_CASE: 'llm-fine-tuning', ML_FRAMEWORK: 'tensorflow' },
    'FL_USE_CASE',
    /tensorflow/,
  ],
  ['llm-fine-tuning with pytorch', NODE, { FL_USE_CASE: 'llm-fine-tuning' }],
  [
    'a use case in an image without a framework',
    BARE,
    { FL_USE_CASE: 'llm-fine-tuning' },
    'FL_USE_CASE',
    /none/,
  ],
  [
    'Control on the port of Fleet',
    LINK,
    { FL_CONTROL_API_ADDRESS: '127.0.0.1:9092' },
    'FL_CONTROL_API_ADDRESS',
    /takes the port of FL_FLEET_API_ADDRESS/,
  ],
  [
    'the same port on two addresses',
    LINK,
    { FL_FLEET_API_ADDRESS: '10.0.0.5:9092', FL_CONTROL_API_ADDRESS: '127.0.0.1:9092' },
  ],
  [
    'the same port where :: takes IPv4 too',
    LINK,
    { FL_FLEET_API_ADDRESS: '[::]:9092', FL_CONTROL_API_ADDRESS: '127.0.0.1:9092' },
    'FL_CONTROL_API_ADDRESS',
    /takes the port/,
  ],
  [
    'the same port where :: takes another IPv6 address',
    LINK,
    { FL_FLEET_API_ADDRESS: '[::]:9092', FL_CONTROL_API_ADDRESS: '[::1]:9092' },
    'FL_CONTROL_API_ADDRESS',
    /takes the port/,
  ],
  ['0.0.0.0 and an IPv6 address', LINK, { FL_CONTROL_API_ADDRESS: '[::1]:9092' }],
  [
    'localhost and 127.0.0.1',
    LINK,
    { FL_FLEET_API_ADDRESS: 'localhost:9093' },
    'FL_CONTROL_API_ADDRESS',
    /takes the port/,
  ],
  [
    'a name and a wildcard',
    LINK,
    { FL_FLEET_API_ADDRESS: 'super.example.org:9093', FL_CONTROL_API_ADDRESS: '0.0.0.0:9093' },
    'FL_CONTROL_API_ADDRESS',
    /takes the port/,
  ],
  [
    'metrics on the Fleet port',
    LINK,
    { FL_METRICS_ENABLED: 'YES', FL_FLEET_API_ADDRESS: '0.0.0.0:9101' },
    'FL_METRICS_PORT',
    /^9101, the port of FL_FLEET_API_ADDRESS/,
  ],
  [
    'metrics on the Control port',
    LINK,
    { FL_METRICS_ENABLED: 'YES', FL_METRICS_PORT: '9200', FL_CONTROL_API_ADDRESS: '127.0.0.1:9200' },
    'FL_METRICS_PORT',
    /FL_CONTROL_API_ADDRESS/,
  ],
  ['no metrics, so no port of theirs', LINK, { FL_FLEET_API_ADDRESS: '0.0.0.0:9101' }],
];

const WARNINGS: Case[] = [
  [
    'more clients in a round than there are at the start',
    LINK,
    { FL_MIN_FIT_CLIENTS: '3' },
    'FL_MIN_FIT_CLIENTS',
    /^3, more than FL_MIN_AVAILABLE_CLIENTS=2/,
  ],
  ['as many', LINK, { FL_MIN_FIT_CLIENTS: '3', FL_MIN_AVAILABLE_CLIENTS: '3' }],
  ['a parameter of another strategy', LINK, { FL_TRIM_BETA: '0.1' }, 'FL_TRIM_BETA', /FL_STRATEGY is FedAvg/],
  ['the same with its default, as forms send it', LINK, { FL_TRIM_BETA: '0.20' }],
  ['the same with its strategy', LINK, { FL_TRIM_BETA: '0.1', FL_STRATEGY: 'FedTrimmedAvg' }],
  ['mu for FedAdam', LINK, { FL_PROXIMAL_MU: '0.3', FL_STRATEGY: 'FedAdam' }, 'FL_PROXIMAL_MU', /no effect/],
  [
    'a learning rate for FedProx',
    LINK,
    { FL_SERVER_LR: '0.3', FL_STRATEGY: 'FedProx' },
    'FL_SERVER_LR',
    /no effect/,
  ],
  ['malicious clients for FedAvg', LINK, { FL_NUM_MALICIOUS: '1' }, 'FL_NUM_MALICIOUS', /no effect/],
  ['malicious clients for Bulyan', LINK, { FL_NUM_MALICIOUS: '1', FL_STRATEGY: 'Bulyan', ...clients(7, 7) }],
  [
    'FedProx with mu 0',
    LINK,
    { FL_STRATEGY: 'FedProx', FL_PROXIMAL_MU: '0' },
    'FL_PROXIMAL_MU',
    /^0 with FL_STRATEGY=FedProx/,
  ],
  ['FedProx with mu', LINK, { FL_STRATEGY: 'FedProx', FL_PROXIMAL_MU: '0.1' }],
  [
    'Control for everybody',
    LINK,
    { FL_CONTROL_API_ADDRESS: '0.0.0.0:9093' },
    'FL_CONTROL_API_ADDRESS',
    /without authentication/,
  ],
  [
    'Control on a name',
    LINK,
    { FL_CONTROL_API_ADDRESS: 'super.example.org:9093' },
    'FL_CONTROL_API_ADDRESS',
    /without authentication/,
  ],
  ['Control on another loopback address', LINK, { FL_CONTROL_API_ADDRESS: '127.31.0.1:9093' }],
  ['Control on localhost', LINK, { FL_CONTROL_API_ADDRESS: 'localhost:9093' }],
  ['Control on ::1', LINK, { FL_CONTROL_API_ADDRESS: '[::1]:9093' }],
  [
    "more names beside an operator's certificate",
    LINK,
    {
      FL_SSL_CA_CERTFILE: CERTIFICATE,
      FL_SSL_CERTFILE: CERTIFICATE,
      FL_SSL_KEYFILE: KEY,
      FL_CERT_EXTRA_SAN: 'DNS:a',
    },
    'FL_CERT_EXTRA_SAN',
    /no effect/,
  ],
  [
    'a CA and no TLS',
    NODE,
    { FL_SSL_CA_CERTFILE: CERTIFICATE, FL_TLS_ENABLED: 'NO' },
    'FL_SSL_CA_CERTFILE',
    /plaintext/,
  ],
  ['a CA and TLS as the SuperLink says', NODE, { FL_SSL_CA_CERTFILE: CERTIFICATE }],
  [
    'a framework that the SuperNode image lacks',
    BARE,
    { ML_FRAMEWORK: 'pytorch' },
    'ML_FRAMEWORK',
    /^'pytorch', and the image has Flower and numpy alone: the first boot downloads 3\.1 GB, if 9\.6 GB of the disk are free$/,
  ],
  [
    'a framework that the SuperLink image lacks',
    LINK,
    { ONEAPP_ML_FRAMEWORK: 'sklearn' },
    'ONEAPP_ML_FRAMEWORK',
    /^'sklearn', and the image has .* downloads 120 MB/,
  ],
  [
    'another framework than the baked one',
    SKLEARN,
    { ML_FRAMEWORK: 'tensorflow' },
    'ML_FRAMEWORK',
    /the image has sklearn/,
  ],
  ['the framework of the image', NODE, { ML_FRAMEWORK: 'pytorch' }],
  ['a framework that was installed', WITH_PYTORCH, { ML_FRAMEWORK: 'pytorch' }],
  [
    'a framework that was installed for another Flower',
    WITH_PYTORCH,
    { ML_FRAMEWORK: 'pytorch', FLOWER_VERSION: '1.31.0' },
    'ML_FRAMEWORK',
    /'pytorch'/,
  ],
  ['no framework wanted, on an image that has one', NODE, { ML_FRAMEWORK: 'none' }],
  ['no framework named, on an image that has none', BARE, {}],
  [
    'a use case that no image has an app for',
    NODE,
    { FL_USE_CASE: 'image-classification' },
    'FL_USE_CASE',
    /^'image-classification', and the image has no app for it/,
  ],
  ['no use case', NODE, { FL_USE_CASE: 'none' }],
  ['DCGM without GPU', NODE, { FL_DCGM_ENABLED: 'YES' }, 'FL_DCGM_ENABLED', /no GPU/],
  ['DCGM with GPU', NODE, { FL_DCGM_ENABLED: 'YES', FL_GPU_ENABLED: 'YES' }],
  [
    'a probe every nine seconds',
    LINK,
    { FL_GRPC_KEEPALIVE_TIME: '9', FL_GRPC_KEEPALIVE_TIMEOUT: '3' },
    'FL_GRPC_KEEPALIVE_TIME',
    /^9 s is very short/,
  ],
  ['a probe every ten seconds', LINK, { FL_GRPC_KEEPALIVE_TIME: '10', FL_GRPC_KEEPALIVE_TIMEOUT: '3' }],
  [
    'a SuperNode that probes every nine seconds',
    NODE,
    { FL_GRPC_KEEPALIVE_TIME: '9', FL_GRPC_KEEPALIVE_TIMEOUT: '3' },
    'FL_GRPC_KEEPALIVE_TIME',
    /very short/,
  ],
  [
    'a SuperNode that probes more often than a SuperLink takes',
    NODE,
    { FL_GRPC_KEEPALIVE_TIME: '29' },
    'FL_GRPC_KEEPALIVE_TIME',
    /every 30 s/,
  ],
  ['a SuperNode that probes as often', NODE, { FL_GRPC_KEEPALIVE_TIME: '30' }],
  [
    'a SuperLink that takes probes more seldom than SuperNodes send them',
    LINK,
    { FL_GRPC_KEEPALIVE_TIME: '121' },
    'FL_GRPC_KEEPALIVE_TIME',
    /every 61 s/,
  ],
  ['a SuperLink that takes them as often', LINK, { FL_GRPC_KEEPALIVE_TIME: '120' }],
];

describe('errors', () => {
  test.each<Case>(ERRORS)('%s', (_, image, raw, variable, found) => {
    const said = problems(raw, image);
    expect(said.map((finding) => finding.variable)).toEqual(variable === undefined ? [] : [variable]);
    if (found !== undefined) expect(said[0]?.found).toMatch(found);
  });
});

describe('warnings', () => {
  test.each<Case>(WARNINGS)('%s', (_, image, raw, variable, found) => {
    expect(problems(raw, image)).toEqual([]);
    const said = warnings(raw, image);
    expect(said.map((finding) => finding.variable)).toEqual(variable === undefined ? [] : [variable]);
    if (found !== undefined) expect(said[0]?.found).toMatch(found);
  });
});

const AHEAD: Case[] = [
  [
    'another Flower than the baked one',
    LINK,
    { FLOWER_VERSION: '1.36.0' },
    'FLOWER_VERSION',
    /^'1\.36\.0', and the image has .*: the first boot installs 1\.36\.0, .* minutes .* package index/,
  ],
  ['the Flower of the image', LINK, { FLOWER_VERSION: BAKED_FLOWER }],
  [
    'another Flower that was installed',
    { ...LINK, installed: ['1.36.0-sklearn'] },
    { FLOWER_VERSION: '1.36.0' },
  ],
  [
    'another Flower that was installed with another framework',
    { ...NODE, installed: ['1.36.0-sklearn'] },
    { FLOWER_VERSION: '1.36.0' },
    'FLOWER_VERSION',
  ],
];

describe('before a boot, which reports it itself', () => {
  test.each<Case>(AHEAD)('%s', (_, image, raw, variable, found) => {
    const parsed = parseVariables(raw, image);
    expect(parsed).toMatchObject({ ok: true, warnings: [] });
    const said = parsed.ok ? parsed.ahead : [];
    expect(said.map((finding) => finding.variable)).toEqual(variable === undefined ? [] : [variable]);
    if (found !== undefined) expect(said[0]?.found).toMatch(found);
  });
});

test('the example in a problem solves the problem', () => {
  for (const [what, image, raw, variable] of ERRORS) {
    for (const { variable: name, example } of variable === undefined ? [] : problems(raw, image)) {
      if (example === undefined) continue;
      expect(problems({ ...raw, [name]: example }, image), what).toEqual([]);
    }
  }
});

test('both numbers of clients are reported at once when both are too small', () => {
  const said = problems({ FL_STRATEGY: 'Bulyan' });
  expect(said.map(({ variable }) => variable)).toEqual(['FL_MIN_AVAILABLE_CLIENTS', 'FL_MIN_FIT_CLIENTS']);
});

test('a rule skips variables whose values are not known yet', () => {
  const raw = { FL_STRATEGY: 'Krum', FL_MIN_AVAILABLE_CLIENTS: '5' };
  for (const open of ['FL_MIN_FIT_CLIENTS', 'ONEAPP_FL_MIN_FIT_CLIENTS'])
    expect(parseVariables(raw, LINK, new Set([open]))).toMatchObject({ ok: true });
  expect(parseVariables(raw, LINK)).toMatchObject({ ok: false });
});

test('a rule skips variables that could not be read', () => {
  const said = problems({
    FL_STRATEGY: 'Krum',
    FL_NUM_MALICIOUS: 'x',
    FL_GRPC_KEEPALIVE_TIME: 'y',
    FL_GRPC_KEEPALIVE_TIMEOUT: '99',
  });
  expect(said.map(({ variable }) => variable)).toEqual(['FL_NUM_MALICIOUS', 'FL_GRPC_KEEPALIVE_TIME']);
});
