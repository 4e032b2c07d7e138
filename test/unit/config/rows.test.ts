// Every row of the table: the values that it accepts, their meaning, and those that it refuses. A row without cases fails.

import { describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import type { BootConfig, ImageFacts } from '../../../src/config/parse.ts';
import { parseVariables } from '../../../src/config/parse.ts';
import { ALL_NAMES, rowOf, type VariableName } from '../../../src/config/table.ts';
import { CERTIFICATE, CERTIFICATE_PEM, KEY, KEY_PEM, LINK, NODE, problems } from './support.ts';

interface Cases {
  /** What an unset variable is, per role. */
  readonly unset: Partial<Record<ImageFacts['role'], unknown>>;
  readonly takes: readonly (readonly [text: string, value: unknown])[];
  readonly refuses: readonly string[];
}

const yesNo = (unset: Cases['unset']): Cases => ({
  unset,
  takes: [
    ['YES', true],
    ['yes', true],
    ['Yes', true],
    ['NO', false],
    ['nO', false],
  ],
  refuses: ['Y', 'true', '1', 'YES NO', 'ΥES', 'YE S'],
});

const link = (value: unknown): Cases['unset'] => ({ superlink: value });
const node = (value: unknown): Cases['unset'] => ({ supernode: value });
const each = (value: unknown): Cases['unset'] => ({ superlink: value, supernode: value });

const NOT_DECIMAL = [
  '1e3',
  '0x10',
  '+5',
  '1_000',
  '1,5',
  ' 1 2 ',
  '٣',
  'NaN',
  'Infinity',
  'three',
  '--1',
  '007',
  '1.',
];

const whole = (unset: Cases['unset'], least: number, most = 2_147_483_647): Cases => ({
  unset,
  takes: [
    [String(least), least],
    [String(least + 1), least + 1],
    ['  42  ', 42],
    [String(most), most],
  ],
  refuses: [String(least - 1), String(most + 1), '-7', '1.5', '9'.repeat(400), ...NOT_DECIMAL],
});

const choices = (unset: Cases['unset'], options: readonly string[], more: readonly string[] = []): Cases => ({
  unset,
  takes: options.map((option) => [option, option]),
  refuses: [
    'other',
    options.join(','),
    `${options[0]} x`,
    options[0]!.toUpperCase() === options[0] ? options[0]!.toLowerCase() : options[0]!.toUpperCase(),
    ...more,
  ],
});

const BAD_ADDRESSES = [
  'host',
  ':9092',
  'host:',
  'host:0',
  'host:65536',
  'host:09092',
  'host:+1',
  'host:1e3',
  'host:9092:9092',
  'http://host:9092',
  'fd00::1:9092x',
  '::1:9092',
  '[::1]',
  '[::1]9092',
  '[::1:9092',
  '[10.0.0.1]:9092',
  '[fe80::1%eth0]:9092',
  '[::ffff:10.0.0.1]:9092',
  '10.0.0.256:9092',
  '10.0.0:9092',
  '010.0.0.1:9092',
  '1234:9092',
  'under_score:9092',
  '-host:9092',
  'host-:9092',
  'a..b:9092',
  `${'a'.repeat(64)}:9092`,
  `${'a.'.repeat(127)}aa:9092`,
  'ho st:9092',
  'bücher.example:9092',
  '*:9092',
  '224.0.0.1:9092',
];

const paths = (unset: string): Cases => ({
  unset: link(unset),
  takes: [
    ['a', 'a'],
    ['a/b-c/d_e.db', 'a/b-c/d_e.db'],
    ['.hidden/x', '.hidden/x'],
    ['a..b/c', 'a..b/c'],
  ],
  refuses: [
    '/etc/passwd',
    '..',
    '../x',
    'a/../b',
    'a//b',
    'a/',
    './a',
    'a/.',
    '~/x',
    'a b',
    'a\nb',
    ':memory:',
    'sqlite://x',
    'ä',
    '$HOME',
    `${'a'.repeat(201)}`,
    'a/'.repeat(300),
  ],
});

const CASES: Readonly<Record<VariableName, Cases>> = {
  FLOWER_VERSION: {
    unset: each(BAKED_FLOWER),
    takes: [
      ['1.31.0', '1.31.0'],
      ['10.0.12', '10.0.12'],
    ],
    refuses: [
      '1.39',
      `v${BAKED_FLOWER}`,
      `${BAKED_FLOWER}rc1`,
      `${BAKED_FLOWER}.1`,
      '01.3.0',
      'latest',
      `${BAKED_FLOWER}; id`,
      '../1.3.0',
    ],
  },
  FL_TLS_ENABLED: yesNo({ superlink: true, supernode: undefined }),
  FL_LOG_LEVEL: choices(each('INFO'), ['DEBUG', 'INFO', 'WARNING', 'ERROR'], ['WARN']),
  FL_LOG_FORMAT: choices(each('text'), ['text', 'json']),
  FL_FLEET_API_ADDRESS: {
    unset: link({ host: '0.0.0.0', port: 9092 }),
    takes: [
      ['10.0.0.5:1', { host: '10.0.0.5', port: 1 }],
      ['[::]:65535', { host: '::', port: 65535 }],
      ['[FD00:0:0::5]:9092', { host: 'fd00::5', port: 9092 }],
      ['Super-Link.example.org:9092', { host: 'super-link.example.org', port: 9092 }],
      ['localhost:9092', { host: 'localhost', port: 9092 }],
      ['1and1.example:9092', { host: '1and1.example', port: 9092 }],
    ],
    refuses: BAD_ADDRESSES,
  },
  FL_CONTROL_API_ADDRESS: {
    unset: link({ host: '127.0.0.1', port: 9093 }),
    takes: [['[::1]:9093', { host: '::1', port: 9093 }]],
    refuses: BAD_ADDRESSES,
  },
  FL_DATABASE: paths('state/state.db'),
  FL_CERT_EXTRA_SAN: {
    unset: link(undefined),
    takes: [
      ['IP:203.0.113.7', [{ type: 'IP', value: '203.0.113.7' }]],
      [
        ' dns:Super.Example.ORG , IP:2001:DB8:0::1,IP:2001:db8::1 ',
        [
          { type: 'DNS', value: 'super.example.org' },
          { type: 'IP', value: '2001:db8::1' },
        ],
      ],
      ['DNS:*.example.org', [{ type: 'DNS', value: '*.example.org' }]],
    ],
    refuses: [
      '203.0.113.7',
      'super.example.org',
      'IP:',
      'DNS:',
      'IP:host',
      'IP:203.0.113.7/24',
      'DNS:203.0.113.7',
      'IP:fe80::1%eth0',
      'IP:::ffff:10.0.0.1',
      'IP:0.0.0.0',
      'IP:::',
      'DNS:a.*.example',
      'DNS:*',
      'DNS:**.example',
      'DNS:a_b.example',
      'DNS:a b',
      'URI:http://x',
      'IP:10.0.0.1,,DNS:a',
      'IP:10.0.0.1 DNS:a',
      'IP:10.0.0.1,',
      'DNS:a\nIP:10.0.0.1',
      Array.from({ length: 101 }, (_, index) => `DNS:h${index}`).join(','),
    ],
  },
  FL_SSL_CERTFILE: certificateCases(link(undefined)),
  FL_SSL_KEYFILE: {
    unset: link(undefined),
    takes: [
      [KEY, KEY_PEM],
      [KEY_PEM, KEY_PEM],
    ],
    refuses: [
      CERTIFICATE,
      CERTIFICATE_PEM,
      '-----BEGIN PRIVATE KEY-----\nAAAA\n',
      base64('-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n'),
      base64(
        '-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n',
      ),
      base64('-----BEGIN PRIVATE KEY-----\nAAAA\n'),
      'not base64!',
    ],
  },
  FL_NUM_ROUNDS: whole(link(3), 1),
  FL_STRATEGY: choices(
    link('FedAvg'),
    ['FedAvg', 'FedProx', 'FedAdam', 'Krum', 'Bulyan', 'FedTrimmedAvg'],
    ['FedYogi'],
  ),
  FL_MIN_FIT_CLIENTS: whole(link(2), 1),
  FL_MIN_EVALUATE_CLIENTS: whole(link(2), 1),
  FL_MIN_AVAILABLE_CLIENTS: whole(link(2), 1),
  FL_PROXIMAL_MU: decimal(1, ['0', '0.0', '1.5', '1000'], ['-0.1']),
  FL_SERVER_LR: decimal(0.1, ['0.000001', '1'], ['0', '-1', '0.0']),
  FL_CLIENT_LR: decimal(0.1, ['0.000001', '1'], ['0', '-1', '0.0']),
  FL_NUM_MALICIOUS: whole(link(0), 0),
  FL_TRIM_BETA: decimal(0.2, ['0.0001', '0.4999'], ['0', '0.5', '0.6', '-0.2']),
  FL_CHECKPOINT_ENABLED: yesNo(link(false)),
  FL_CHECKPOINT_INTERVAL: whole(link(5), 1),
  FL_CHECKPOINT_PATH: {
    ...paths('checkpoints'),
    takes: [...paths('').takes, ['/app/checkpoints', 'checkpoints']],
    refuses: [...paths('').refuses, '/app/checkpoints/', '/app/other'],
  },
  FL_SUPERLINK_ADDRESS: {
    unset: node(undefined),
    takes: [
      ['203.0.113.7:9092', { host: '203.0.113.7', port: 9092 }],
      ['[2001:db8::7]:9092', { host: '2001:db8::7', port: 9092 }],
      ['superlink.example.org:9092', { host: 'superlink.example.org', port: 9092 }],
    ],
    refuses: [...BAD_ADDRESSES, '0.0.0.0:9092', '[::]:9092', '[0:0::0]:9092'],
  },
  FL_NODE_CONFIG: {
    unset: node(undefined),
    takes: [
      [
        'a=1 b="x y"',
        [
          ['a', 1],
          ['b', 'x y'],
        ],
      ],
    ],
    refuses: ['a', 'a = 1', 'a="x'],
  },
  FL_MAX_RETRIES: whole(node(0), 0),
  FL_MAX_WAIT_TIME: whole(node(0), 0, 2_147_483),
  ML_FRAMEWORK: choices(
    { superlink: 'none', supernode: 'pytorch' },
    ['none', 'pytorch', 'tensorflow', 'sklearn'],
    ['torch', 'image'],
  ),
  FL_USE_CASE: {
    ...choices(node('none'), ['none', 'image-classification', 'llm-fine-tuning'], ['llm']),
  },
  FL_GPU_ENABLED: yesNo(node(false)),
  FL_CUDA_VISIBLE_DEVICES: {
    unset: node('all'),
    takes: [
      ['all', 'all'],
      ['ALL', 'all'],
      ['0', '0'],
      ['0, 1,12', '0,1,12'],
      ['GPU-8932f937-d72c-4106-c12f-20bd9faed9f6', 'GPU-8932f937-d72c-4106-c12f-20bd9faed9f6'],
    ],
    refuses: ['none', '-1', '0,', '0,0', '0 1', '00', '0;id', 'GPU-', `${'0,'.repeat(70)}1`],
  },
  FL_GPU_MEMORY_FRACTION: { ...decimal(0.8, ['0', '0.5', '1', '1.0'], ['-0.1', '1.01']), unset: node(0.8) },
  FL_DCGM_ENABLED: yesNo(node(false)),
  FL_EDGE_BACKOFF: choices(node('exponential'), ['exponential', 'fixed']),
  FL_EDGE_MAX_BACKOFF: whole(node(300), 1, 2_147_483),
  FL_ISOLATION: choices(each('subprocess'), ['subprocess', 'process']),
  FL_SSL_CA_CERTFILE: certificateCases(each(undefined)),
  FL_GRPC_KEEPALIVE_TIME: {
    ...whole(each(60), 1, 2_147_483),
    takes: [
      ['21', 21],
      ['2147483', 2_147_483],
    ],
  },
  FL_GRPC_KEEPALIVE_TIMEOUT: {
    ...whole(each(20), 1, 2_147_483),
    takes: [
      ['1', 1],
      ['59', 59],
    ],
  },
  FL_METRICS_ENABLED: yesNo(each(false)),
  FL_METRICS_PORT: {
    ...whole(each(9101), 1024, 65_535),
    takes: [
      ['1024', 1024],
      ['65535', 65_535],
    ],
    refuses: [...whole({}, 1024, 65_535).refuses, '80', '8000', '9091', '9092', '9093', '9094'],
  },
  TOKEN: asYesByOthers(['yes']),
  NETWORK: asYesByOthers(['yes']),
  REPORT_READY: asYesByOthers([]),
  READY_SCRIPT_PATH: { unset: each(undefined), takes: [['/opt/x y.sh', '/opt/x y.sh']], refuses: [] },
  SSH_PUBLIC_KEY: {
    unset: each(undefined),
    takes: [['ssh-ed25519 AAAA me\nssh-ed25519 AAAB you', 'ssh-ed25519 AAAA me\nssh-ed25519 AAAB you']],
    refuses: [],
  },
  VMID: {
    unset: each(undefined),
    takes: [
      ['0', 0],
      ['4294967295', 4_294_967_295],
    ],
    refuses: ['-1', '1.0', 'x', '01', '99999999999'],
  },
  ONEGATE_ENDPOINT: {
    unset: each(undefined),
    takes: [
      ['http://198.51.100.1:5030', 'http://198.51.100.1:5030'],
      ['https://zone.example.org/onegate', 'https://zone.example.org/onegate'],
    ],
    refuses: [
      '198.51.100.1:5030',
      'ftp://x',
      'http://',
      'http://user:secret@x:1',
      'http://x y',
      'javascript:alert(1)',
    ],
  },
};

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decimal(unset: number, takes: readonly string[], refuses: readonly string[]): Cases {
  return {
    unset: link(unset),
    takes: takes.map((text) => [text, Number(text)]),
    refuses: [...refuses, '.5', '9'.repeat(400), ...NOT_DECIMAL],
  };
}

/** The agent reports no error in variables that OpenNebula and one-context read; they decide about the value. */
function asYesByOthers(alsoYes: readonly string[]): Cases {
  const alsoNo = ['NO', 'no', '1', 'true', 'yes'].filter((text) => !alsoYes.includes(text));
  return {
    unset: each(false),
    takes: [
      ...['YES', ...alsoYes].map((text) => [text, true] as const),
      ...alsoNo.map((text) => [text, false] as const),
    ],
    refuses: [],
  };
}

function certificateCases(unset: Cases['unset']): Cases {
  const twice = `${CERTIFICATE_PEM}${CERTIFICATE_PEM}`;
  return {
    unset,
    takes: [
      [CERTIFICATE, CERTIFICATE_PEM],
      [CERTIFICATE_PEM, CERTIFICATE_PEM],
      [`subject=CN = x\r\n${CERTIFICATE_PEM.replaceAll('\n', '\r\n')}`, CERTIFICATE_PEM],
      [twice, twice],
      [base64(CERTIFICATE_PEM.replaceAll(/^/gm, '  ')), CERTIFICATE_PEM],
      [base64(twice.replaceAll('\n', ' ')), twice],
      [twice.replaceAll('\n', '\\n'), twice],
      [CERTIFICATE.replace(/=+$/, ''), CERTIFICATE_PEM],
      [CERTIFICATE.replaceAll(/.{20}/g, '$&\r\n '), CERTIFICATE_PEM],
      [base64(CERTIFICATE), CERTIFICATE_PEM],
      [base64(twice), twice],
      [base64(CERTIFICATE_PEM.replaceAll('\n', '\r\n')), CERTIFICATE_PEM],
      [base64(`subject=CN = x\n${CERTIFICATE_PEM}`), CERTIFICATE_PEM],
    ],
    refuses: [
      CERTIFICATE_PEM.slice(0, -20),
      `${CERTIFICATE_PEM}${KEY_PEM}`,
      KEY,
      base64(`${CERTIFICATE_PEM}${KEY_PEM}`),
      base64(base64(CERTIFICATE)),
      CERTIFICATE.slice(0, -7),
      `${CERTIFICATE}*`,
      base64('hello'),
      base64('-----BEGIN CERTIFICATE-----\nMIIB\n'),
      base64('-----BEGIN CERTIFICATE-----\nMIIB\n-----END X-----\n'),
      Buffer.from([0x30, 0x82, 0x01, 0xff, 0xff, 0xff]).toString('base64'),
      'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI==',
      'A'.repeat(400_000),
    ],
  };
}

/** What else has to be set so that a value on its own breaks no cross-variable rule. */
const COMPANIONS: Readonly<Partial<Record<VariableName, Record<string, string>>>> = {
  FL_SSL_CERTFILE: { FL_SSL_KEYFILE: KEY, FL_SSL_CA_CERTFILE: CERTIFICATE },
  FL_SSL_KEYFILE: { FL_SSL_CERTFILE: CERTIFICATE, FL_SSL_CA_CERTFILE: CERTIFICATE },
  FL_SSL_CA_CERTFILE: { FL_SSL_CERTFILE: CERTIFICATE, FL_SSL_KEYFILE: KEY },
  FL_GRPC_KEEPALIVE_TIME: {},
  FL_STRATEGY: { FL_MIN_AVAILABLE_CLIENTS: '3', FL_MIN_FIT_CLIENTS: '3' },
};

const imageOf = (role: ImageFacts['role']): ImageFacts => (role === 'superlink' ? LINK : NODE);

describe.each(ALL_NAMES)('%s', (name) => {
  const { unset, takes, refuses } = CASES[name];
  const row = rowOf(name);

  test('has cases for exactly its roles', () =>
    expect(Object.keys(unset).sort()).toEqual([...row.roles].sort()));

  for (const role of row.roles) {
    const readOf = (raw: Record<string, string>): unknown => {
      const own = role === 'superlink' ? COMPANIONS[name] : {};
      const parsed = parseVariables({ ...own, ...raw }, imageOf(role));
      if (!parsed.ok) expect.fail(JSON.stringify(parsed.problems));
      return (parsed.config as BootConfig & Record<string, unknown>)[name];
    };

    test(`has its default on a ${role}, unset or empty`, () => {
      const parsed = parseVariables({ [name]: ' ' }, imageOf(role));
      expect(parsed.ok && (parsed.config as BootConfig & Record<string, unknown>)[name]).toEqual(unset[role]);
      expect(parsed.warnings).toEqual([]);
      expect(parsed.ok && name in parsed.config).toBe(true);
    });

    test(`is read on a ${role}`, () => {
      for (const [text, value] of takes) expect(readOf({ [name]: text }), text).toEqual(value);
    });

    test(`is refused on a ${role} where it is wrong, once, with what is accepted and an example`, () => {
      for (const text of refuses) {
        const own = problems({ [name]: text }, imageOf(role)).filter(({ variable }) => variable === name);
        expect(own, JSON.stringify(text.slice(0, 100))).toHaveLength(1);
        expect(own[0]).toMatchObject({ severity: 'error', expected: row.expected, example: row.example });
        expect(own[0]!.found.length).toBeLessThan(300);
      }
    });

    test(`takes its own example on a ${role}`, () => {
      if (row.input === 'text64') return;
      expect(() => row.schema.parse(row.example)).not.toThrow();
    });
  }
});
