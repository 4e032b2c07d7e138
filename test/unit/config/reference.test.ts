import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { contextJsonSchema } from '../../../scripts/reference/json-schema.ts';
import { variablesReference } from '../../../scripts/reference/variables.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { ALL_NAMES, rowOf } from '../../../src/config/table.ts';
import { userInput } from '../../../src/config/user-inputs.ts';
import { runConfigOf } from '../../../src/flower/run-config.ts';
import { PUBLISHED } from '../../../src/onegate/replies.ts';
import { superLink } from './support.ts';

const page = variablesReference();

const sectionOf = (name: string): string => {
  const start = page.indexOf(`\n### ${name}\n`);
  const end = page.indexOf('\n##', start + 5);
  return page.slice(start, end === -1 ? undefined : end);
};

describe('the reference page', () => {
  test.each(ALL_NAMES)('contains all facts of the row of %s', (name) => {
    const {
      schema: _schema,
      redact: _quiet,
      defaulted: _defaulted,
      roles,
      level,
      secret,
      ...row
    } = rowOf(name);
    const text = sectionOf(name);
    expect(roles.every((role) => text.includes(role === 'superlink' ? 'SuperLink' : 'SuperNode'))).toBe(true);
    expect(text).toContain(`- Level: ${level}`);
    expect(text.includes('- Secret: yes')).toBe(secret === true);
    const {
      default: declared,
      inputDefault,
      input,
      mandatory: _mandatory,
      options = [],
      strategies = [],
      ...texts
    } = row;
    for (const value of [...options, ...strategies, ...Object.values(texts)]) expect(text).toContain(value);
    if (typeof declared === 'string') expect(text).toContain(`- Default: \`${declared}\``);
    if (declared === undefined) expect(text).toContain('- Default: unset');
    if (inputDefault !== undefined) expect(text).toContain(`|${inputDefault}\``);
    // What is on by default is a list in a form: see formatInput.
    const asked = input === 'boolean' && /`YES`/.test(text.split('- Example')[0]!) ? 'list' : input;
    if (level !== 'infrastructure') expect(text).toContain(`|${asked}|`);
  });

  test('has every variable once, as a section and in one table', () => {
    for (const name of ALL_NAMES) {
      expect(page.split(`\n### ${name}\n`)).toHaveLength(2);
      expect(page.split(`| [${name}](#${name.toLowerCase()}) |`)).toHaveLength(2);
    }
  });
});

test('a title fits into a USER_INPUT: no bar, no quote, no line break', () => {
  for (const name of ALL_NAMES) expect(rowOf(name).title).toMatch(/^[^|"\n\\]+$/);
});

describe('user inputs', () => {
  test.each([
    ['FLOWER_VERSION', 'O|text|Flower version (empty: what the image has)||'],
    ['FL_TLS_ENABLED', 'O|list|Encrypt traffic between SuperLink and SuperNodes|YES,NO|YES'],
    ['FL_LOG_LEVEL', 'O|list|Log verbosity|DEBUG,INFO,WARNING,ERROR|INFO'],
    ['FL_LOG_FORMAT', 'O|list|Log format of the agent|text,json|text'],
    ['FL_NUM_ROUNDS', 'O|number|Number of federated learning rounds||3'],
    ['FL_STRATEGY', 'O|list|Aggregation strategy|FedAvg,FedProx,FedAdam,Krum,Bulyan,FedTrimmedAvg|FedAvg'],
    ['FL_MIN_FIT_CLIENTS', 'O|number|Minimum clients for a training round||2'],
    ['FL_MIN_EVALUATE_CLIENTS', 'O|number|Minimum clients for evaluation||2'],
    ['FL_MIN_AVAILABLE_CLIENTS', 'O|number|Minimum available clients to start||2'],
    ['FL_FLEET_API_ADDRESS', 'O|text|Fleet API listen address (host:port)||0.0.0.0:9092'],
    ['FL_CONTROL_API_ADDRESS', 'O|text|Control API listen address (host:port)||127.0.0.1:9093'],
    ['FL_ISOLATION', 'O|list|App execution isolation mode|subprocess,process|subprocess'],
    ['FL_DATABASE', 'O|text|Database path for state persistence||state/state.db'],
    ['FL_PROXIMAL_MU', 'O|number-float|FedProx proximal term (mu)||1.0'],
    ['FL_SERVER_LR', 'O|number-float|Server-side learning rate||0.1'],
    ['FL_CLIENT_LR', 'O|number-float|Client-side learning rate||0.1'],
    ['FL_NUM_MALICIOUS', 'O|number|Expected malicious clients (Krum/Bulyan)||0'],
    ['FL_TRIM_BETA', 'O|number-float|Trim fraction per tail (FedTrimmedAvg)||0.2'],
    ['FL_CHECKPOINT_ENABLED', 'O|boolean|Enable model checkpointing||NO'],
    ['FL_CHECKPOINT_INTERVAL', 'O|number|Save checkpoint every N rounds||5'],
    ['FL_CHECKPOINT_PATH', 'O|text|Checkpoint directory||checkpoints'],
    ['FL_METRICS_ENABLED', 'O|boolean|Enable Prometheus metrics||NO'],
    ['FL_METRICS_PORT', 'O|number|Prometheus metrics port||9101'],
    ['FL_CERT_EXTRA_SAN', 'O|text|Additional certificate SAN entries (IP:addr or DNS:name)||'],
    ['FL_SSL_CA_CERTFILE', 'O|text64|CA certificate (base64 PEM)||'],
    ['FL_SSL_CERTFILE', 'O|text64|Server certificate (base64 PEM)||'],
    ['FL_SSL_KEYFILE', 'O|text64|Server private key (base64 PEM)||'],
    ['FL_GRPC_KEEPALIVE_TIME', 'O|number|Keepalive interval in seconds||60'],
    ['FL_GRPC_KEEPALIVE_TIMEOUT', 'O|number|Keepalive timeout in seconds||20'],
    ['FL_SUPERLINK_ADDRESS', 'O|text|SuperLink Fleet API address (host:port)||'],
    ['FL_NODE_CONFIG', 'O|text|Space-separated key=value node config||'],
    ['FL_MAX_RETRIES', 'O|number|Max reconnection attempts (0 = unlimited)||0'],
    ['FL_MAX_WAIT_TIME', 'O|number|Max wait for connection in seconds (0 = unlimited)||0'],
    ['ML_FRAMEWORK', 'O|list|ML framework (empty: what the image has)|,none,pytorch,tensorflow,sklearn|'],
    ['FL_USE_CASE', 'O|list|Pre-built use case|none|none'],
    ['FL_GPU_ENABLED', 'O|boolean|Enable NVIDIA GPU support||NO'],
    ['FL_CUDA_VISIBLE_DEVICES', 'O|text|GPU ids visible to the ClientApp (all, or 0,1)||all'],
    ['FL_GPU_MEMORY_FRACTION', 'O|number-float|GPU memory fraction for PyTorch (0-1)||0.8'],
    ['FL_DCGM_ENABLED', 'O|boolean|Enable DCGM GPU metrics exporter||NO'],
    ['FL_EDGE_BACKOFF', 'O|list|Discovery retry spacing|exponential,fixed|exponential'],
    ['FL_EDGE_MAX_BACKOFF', 'O|number|Maximum discovery backoff in seconds||300'],
  ] as const)('%s has the recorded user input', (name, input) =>
    expect(userInput(name, BAKED_FLOWER)).toBe(input),
  );

  test('no user input asks for infrastructure, which the template sets', () => {
    expect(userInput('TOKEN')).toBeUndefined();
    const templates = ALL_NAMES.map((name) => [name, rowOf(name).template] as const);
    expect(Object.fromEntries(templates.filter(([, template]) => template !== undefined))).toEqual({
      TOKEN: 'YES',
      NETWORK: 'YES',
      REPORT_READY: 'YES',
      READY_SCRIPT_PATH: '/opt/flower/scripts/health-check.sh',
      SSH_PUBLIC_KEY: '$USER[SSH_PUBLIC_KEY]',
    });
  });
});

describe('the run config', () => {
  test('has a typed entry for each variable that Flower takes at flwr run', () => {
    const config = runConfigOf(
      superLink({ FL_PROXIMAL_MU: '1.0', FL_STRATEGY: 'FedProx', FL_CHECKPOINT_ENABLED: 'YES' }),
    );
    expect(Object.fromEntries(config)).toMatchObject({
      'proximal-mu': { float: 1 },
      strategy: 'FedProx',
      'checkpoint-enabled': true,
      'num-server-rounds': 3,
    });
  });
});

test('the JSON Schema has every name of the role, its alias, its default and its pattern', () => {
  const schema = contextJsonSchema('supernode') as { properties: Record<string, Record<string, unknown>> };
  expect(schema.properties.FL_EDGE_MAX_BACKOFF).toMatchObject({
    default: '300',
    anyOf: [{ const: '' }, { type: 'string', pattern: expect.any(String) }],
  });
  expect(schema.properties.ONEAPP_FL_EDGE_MAX_BACKOFF).toEqual({ $ref: '#/properties/FL_EDGE_MAX_BACKOFF' });
  expect(schema.properties.FL_EDGE_BACKOFF?.anyOf).toContainEqual({
    type: 'string',
    enum: ['exponential', 'fixed'],
  });
  expect(schema.properties).not.toHaveProperty('FL_NUM_ROUNDS');
  expect(schema.properties).not.toHaveProperty('ONEAPP_TOKEN');
  expect(schema.properties.ML_FRAMEWORK).not.toHaveProperty('default');
});

test('no other source file knows a variable that the table does not have', () => {
  const catalogue = new URL('../../../src/core/catalogue.ts', import.meta.url);
  if (!existsSync(catalogue)) return;
  const named = readFileSync(catalogue, 'utf8').match(/\bFL_[A-Z_]+[A-Z]\b/g) ?? [];
  const known: readonly string[] = [...ALL_NAMES, ...PUBLISHED, 'FL_SSL'];
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});
