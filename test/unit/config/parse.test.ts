import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { parseVariables } from '../../../src/config/parse.ts';
import { parseContextSh } from '../../../src/vm/context-sh.ts';
import { findingsOf, LINK, NODE, problems, superLink, superNode, warnings } from './support.ts';

describe('defaults', () => {
  test('an empty CONTEXT is a complete configuration of either role, without findings', () => {
    expect(parseVariables({}, LINK)).toMatchObject({
      ok: true,
      warnings: [],
      config: { role: 'superlink', FL_NUM_ROUNDS: 3 },
    });
    expect(parseVariables({}, NODE)).toMatchObject({
      ok: true,
      warnings: [],
      config: { role: 'supernode', FL_EDGE_MAX_BACKOFF: 300 },
    });
  });

  test('come from the image where the image builder decides', () => {
    const image = { role: 'supernode', flowerVersion: '1.31.0', framework: 'sklearn' } as const;
    expect(parseVariables({}, image)).toMatchObject({
      config: { FLOWER_VERSION: '1.31.0', ML_FRAMEWORK: 'sklearn' },
    });
    expect(parseVariables({}, { ...image, framework: 'none' })).toMatchObject({
      config: { ML_FRAMEWORK: 'none' },
    });
  });

  test.each(['', ' ', '\n\t '])('%j is the same as unset', (blank) => {
    expect(superLink({ FLOWER_VERSION: blank }).FLOWER_VERSION).toBe(BAKED_FLOWER);
    expect(superLink({ FL_NUM_ROUNDS: blank }).FL_NUM_ROUNDS).toBe(3);
    expect(superNode({ FL_SUPERLINK_ADDRESS: blank }).FL_SUPERLINK_ADDRESS).toBeUndefined();
  });
});

test('a question that classic Sunstone filled in with the line of the role is not answered', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const raw = {
    FL_CERT_EXTRA_SAN: '$FL_CERT_EXTRA_SAN',
    ONEAPP_FL_NUM_ROUNDS: '$ONEAPP_FL_NUM_ROUNDS',
    FLOWER_VERSION: ' ${FLOWER_VERSION}',
    FL_SSL_CERTFILE: base64('$FL_SSL_CERTFILE'),
    FL_SSL_KEYFILE: base64('$FL_SSL_KEYFILE'),
  };
  expect(parseVariables(raw, LINK)).toEqual(parseVariables({}, LINK));
  expect(problems({ FL_CERT_EXTRA_SAN: '$FL_NODE_CONFIG' }, LINK)).toHaveLength(1);
});

test('a negative zero is zero, because files and fingerprints must not differ', () => {
  expect(superLink({ FL_PROXIMAL_MU: '-0.0', FL_STRATEGY: 'FedProx' }).FL_PROXIMAL_MU).toBe(0);
});

describe('the ONEAPP_ prefix', () => {
  test('is taken on every name an operator sets', () =>
    expect(superLink({ ONEAPP_FL_NUM_ROUNDS: '7' }).FL_NUM_ROUNDS).toBe(7));

  test('loses against the plain name, and both are named when they differ', () => {
    const raw = { FL_NUM_ROUNDS: '5', ONEAPP_FL_NUM_ROUNDS: '7' };
    expect(superLink(raw).FL_NUM_ROUNDS).toBe(5);
    expect(warnings(raw)).toEqual([
      expect.objectContaining({
        variable: 'FL_NUM_ROUNDS',
        found: 'FL_NUM_ROUNDS and ONEAPP_FL_NUM_ROUNDS have different values; FL_NUM_ROUNDS is used',
      }),
    ]);
  });

  test('gives no finding when both are equal or one is empty', () => {
    expect(warnings({ FL_NUM_ROUNDS: '5', ONEAPP_FL_NUM_ROUNDS: ' 5 ' })).toEqual([]);
    expect(warnings({ FL_NUM_ROUNDS: '', ONEAPP_FL_NUM_ROUNDS: '7' })).toEqual([]);
    expect(superLink({ FL_NUM_ROUNDS: '', ONEAPP_FL_NUM_ROUNDS: '7' }).FL_NUM_ROUNDS).toBe(7);
  });

  test('is part of the name in a problem, because that is what the operator wrote', () => {
    expect(problems({ ONEAPP_FL_NUM_ROUNDS: 'x' })[0]?.variable).toBe('ONEAPP_FL_NUM_ROUNDS');
  });

  test('has no effect on variables that OpenNebula and one-context read by the plain name', () => {
    expect(superLink({ ONEAPP_TOKEN: 'YES', ONEAPP_VMID: '7' })).toMatchObject({
      TOKEN: false,
      VMID: undefined,
    });
  });
});

describe('unknown names', () => {
  const said = (raw: Record<string, string>, image = LINK) =>
    warnings(raw, image).map(({ variable, found }) => `${variable}: ${found}`);

  test.each([
    ['FL_NUM_ROUND', 'FL_NUM_ROUNDS'],
    ['FL_NUMBER_ROUNDS', 'FL_NUM_ROUNDS'],
    ['FL_STARTEGY', 'FL_STRATEGY'],
    ['FLOWER_VERSON', 'FLOWER_VERSION'],
    ['fl_num_rounds', 'FL_NUM_ROUNDS'],
    ['FL_FRAMEWORK', 'ML_FRAMEWORK'],
    ['ONEAPP_FL_FRAMEWORK', 'ML_FRAMEWORK'],
    ['FL_GRPC_KEEP_ALIVE_TIME', 'FL_GRPC_KEEPALIVE_TIME'],
    ['FL_SSL_CERT_FILE', 'FL_SSL_CERTFILE'],
  ])('%s: did you mean %s?', (given, meant) => {
    expect(said({ [given]: 'secret-value' })).toEqual([`${given}: unknown variable; did you mean ${meant}?`]);
  });

  test('get no suggestion when no name is similar', () => {
    expect(said({ FL_SOMETHING_ELSE_ENTIRELY: 'x' })).toEqual([
      'FL_SOMETHING_ELSE_ENTIRELY: unknown variable',
    ]);
  });

  test('are no errors', () => expect(parseVariables({ FL_NOPE: 'x' }, LINK).ok).toBe(true));

  test('of other programs are ignored', () => {
    expect(
      said({ ETH0_IP: '10.0.0.1', FLAVOR: 'x', MLX: 'y', START_SCRIPT: 'z', FLOWERS: 'q', PATH: '/bin' }),
    ).toEqual([]);
  });

  test('of the other role give no warning, because OneFlow 7 gives the inputs of a service to all its VMs', () => {
    expect(said({ FL_NUM_ROUNDS: '3' }, NODE)).toEqual([]);
    expect(said({ ONEAPP_FL_NODE_CONFIG: 'a=1' })).toEqual([]);
  });

  test('of secrets of the other role give a warning, because they are in the wrong VM', () => {
    expect(said({ FL_SSL_KEYFILE: 'x' }, NODE)).toEqual([
      'FL_SSL_KEYFILE: a secret of the SuperLink, which this SuperNode does not use',
    ]);
    expect(said({ FL_SSL_KEYFILE: ' ' }, NODE)).toEqual([]);
  });

  test('of the other role are not read, and their errors are not reported', () => {
    expect(problems({ FL_NUM_ROUNDS: 'nonsense' }, NODE)).toEqual([]);
  });
});

describe('problems', () => {
  test('are all reported in one pass, both wrong values and broken rules', () => {
    const found = problems({
      FL_NUM_ROUNDS: 'x',
      FL_FLEET_API_ADDRESS: 'nowhere',
      FL_GRPC_KEEPALIVE_TIME: '10',
      FL_STRATEGY: 'Krum',
      FL_NUM_MALICIOUS: '1',
      FL_SSL_CERTFILE: 'x',
    });
    expect(found.map(({ variable }) => variable)).toEqual([
      'FL_FLEET_API_ADDRESS',
      'FL_SSL_CERTFILE',
      'FL_NUM_ROUNDS',
      'FL_MIN_AVAILABLE_CLIENTS',
      'FL_MIN_FIT_CLIENTS',
      'FL_GRPC_KEEPALIVE_TIMEOUT',
    ]);
  });

  test('keep the warnings beside them', () => {
    const parsed = parseVariables({ FL_NUM_ROUNDS: 'x', FL_NOPE: '' }, LINK);
    expect(parsed.ok).toBe(false);
    expect(parsed.warnings).toHaveLength(1);
  });

  test('show the value on one line, cut, without control characters', () => {
    const [problem] = problems({ FL_FLEET_API_ADDRESS: `\u001B[31m\n\u202E'${'x'.repeat(500)}` });
    expect(problem?.found).toMatch(/^'\\u\{1b\}\[31m\\n\\u\{202e\}'x{72}\.\.\.' \(508 characters\): [^x]+$/);
  });

  test('suggest the closest choice', () => {
    expect(problems({ FL_STRATEGY: 'fedavg' })[0]?.found).toBe(
      "'fedavg': this is not one of the choices; did you mean FedAvg?",
    );
  });
});

test.each([
  ['superlink-defaults', LINK],
  ['apostrophes', NODE],
  ['newlines', LINK],
] as const)('the recorded CONTEXT %s is a good one', (name, image) => {
  const file = new URL(`../../support/context-samples/${name}.sh`, import.meta.url);
  const parsed = parseVariables(parseContextSh(readFileSync(file)), image);
  expect(findingsOf(parsed)).toEqual([]);
  expect(parsed).toMatchObject({
    ok: true,
    config: { TOKEN: true, ONEGATE_ENDPOINT: 'http://127.0.0.1:5030' },
  });
});

test('the recorded CONTEXT with marketplace names is valid except for the unknown name', () => {
  const file = new URL('../../support/context-samples/supernode-oneapp.sh', import.meta.url);
  const parsed = parseVariables(parseContextSh(readFileSync(file)), NODE);
  expect(parsed).toMatchObject({
    ok: true,
    config: { FL_TLS_ENABLED: true, FL_LOG_LEVEL: 'INFO', VMID: 14 },
  });
  expect(parsed.warnings.map(({ variable }) => variable)).toEqual(['ONEAPP_FL_FRAMEWORK']);
});
