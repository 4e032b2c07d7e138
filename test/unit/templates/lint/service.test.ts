// Whole service templates as people write them: lint reports what OneFlow and oned do with them, no more and no less.
import { describe, expect, test } from 'vitest';
import { lint } from '../../../../src/templates/lint/lint.ts';

type Members = Record<string, unknown>;

const INFRASTRUCTURE = {
  TOKEN: 'YES',
  NETWORK: 'YES',
  REPORT_READY: 'YES',
  READY_SCRIPT_PATH: '/opt/flower/scripts/health-check.sh',
};
const seven = (superlink: Members = {}, supernode: Members = {}): Members => ({
  name: 'Flower federation',
  deployment: 'straight',
  ready_status_gate: true,
  roles: [
    {
      name: 'superlink',
      type: 'vm',
      cardinality: 1,
      template_id: 0,
      template_contents: { CONTEXT: INFRASTRUCTURE },
      ...superlink,
    },
    {
      name: 'supernode',
      type: 'vm',
      cardinality: 2,
      template_id: 1,
      template_contents: { CONTEXT: INFRASTRUCTURE },
      parents: ['superlink'],
      ...supernode,
    },
  ],
});
const six = (superlink: string, supernode = superlink, inputs: Members = {}): Members => ({
  name: 'Flower federation',
  deployment: 'straight',
  ready_status_gate: true,
  custom_attrs: inputs,
  roles: [
    { name: 'superlink', cardinality: 1, vm_template: 0, vm_template_contents: superlink },
    {
      name: 'supernode',
      cardinality: 2,
      vm_template: 1,
      vm_template_contents: supernode,
      parents: ['superlink'],
    },
  ],
});
const block = (...extra: string[]): string =>
  `CONTEXT=[\n${[...Object.entries(INFRASTRUCTURE).map(([name, value]) => `  ${name}="${value}"`), ...extra].join(',\n')} ]\n`;

const codes = (body: unknown): string[] => [
  ...new Set(
    lint(typeof body === 'string' ? body : JSON.stringify(body, null, 1)).findings.map(({ code }) => code),
  ),
];

describe('a file around a template', () => {
  const body = seven({ cooldown: 5 });
  test.each<[string, unknown, string]>([
    ['the template itself', body, '$.roles[0].cooldown'],
    [
      'oneflow-template show',
      { DOCUMENT: { TEMPLATE: { BODY: body } } },
      '$.DOCUMENT.TEMPLATE.BODY.roles[0].cooldown',
    ],
    ['a file of Terraform', { TEMPLATE: { BODY: body } }, '$.TEMPLATE.BODY.roles[0].cooldown'],
    ['a body', { BODY: body }, '$.BODY.roles[0].cooldown'],
    ['a body that is a text', { BODY: JSON.stringify(body) }, '$.BODY.roles[0].cooldown'],
    ['a list', [seven(), body], '$[1].roles[0].cooldown'],
    [
      'what the REST API lists',
      { DOCUMENT_POOL: { DOCUMENT: [{ TEMPLATE: { BODY: seven() } }, { TEMPLATE: { BODY: body } }] } },
      '$.DOCUMENT_POOL.DOCUMENT[1].TEMPLATE.BODY.roles[0].cooldown',
    ],
  ])('%s is read', (_, file, path) => {
    expect(lint(JSON.stringify(file, null, 1)).findings).toMatchObject([{ code: 'cooldown_short', path }]);
  });

  test('a body that is a text, but not JSON, is one finding', () => {
    expect(lint('{"BODY":\n "{\\n  \\"name\\": }"}').findings).toMatchObject([
      { code: 'not_json', path: '$.BODY', found: expect.stringMatching(/Unexpected token/) },
    ]);
  });
});

describe('numbers as texts, and nulls', () => {
  test('are numbers and nothing to OneFlow', () => {
    const counts = {
      cardinality: '1',
      min_vms: '1',
      max_vms: ' 1 ',
      template_id: '12',
      cooldown: null,
      parents: null,
    };
    expect(codes(seven(counts, { cardinality: '2', min_vms: 2.0, shutdown_action: null }))).toEqual([]);
    expect(codes(seven({ max_vms: null }, { cardinality: null }))).toEqual(['cardinality_missing']);
  });
  test('are counted as numbers', () => {
    const policy = { type: 'CHANGE', adjust: '1', expression: 'CPU > 80', cooldown: '5', period: null };
    const few = { cardinality: '1', min_vms: '1', max_vms: '9', elasticity_policies: [policy] };
    expect(codes(seven({ cardinality: '2' }, few))).toEqual([
      'superlink_count',
      'cooldown_short',
      'too_few_supernodes',
    ]);
  });
  test.each(['two', '2.5', '', '1e3', true, {}])(
    '%j is no number: OneFlow itself refuses it',
    (cardinality) => {
      expect(codes(seven({}, { cardinality }))).toEqual([]);
    },
  );
});

test('too few SuperNodes are an error where they can never be enough, else a warning', () => {
  const severityOf = (supernode: Members): unknown =>
    lint(JSON.stringify(seven({}, supernode))).findings[0]?.severity;
  expect(severityOf({ cardinality: 1, min_vms: 1, max_vms: 1 })).toBe('error');
  expect(severityOf({ cardinality: 1, min_vms: 1, max_vms: 2 })).toBe('warning');
});

describe('the CONTEXT of a role', () => {
  test('may be left to the VM template', () => {
    expect(codes(seven({ template_contents: undefined }, { template_contents: {} }))).toEqual([]);
    expect(codes(seven({ template_contents: { CONTEXT: { MY_SITE: 'Bonn' } } }))).toEqual([]);
    expect(codes(six('', 'NIC=[ NETWORK="a" ]\nMY_SITE="Bonn"\n'))).toEqual([]);
  });

  test('must be complete where it replaces that of the VM template or sets a variable of one-context', () => {
    expect(codes(six('CONTEXT=[ NETWORK="YES" ]\n'))).toEqual([
      'token_missing',
      'report_ready_missing',
      'ready_script_missing',
      'context_block',
    ]);
    expect(codes(six('APPEND="CONTEXT"\nCONTEXT=[ NETWORK="YES" ]\n'))).toEqual(['context_block']);
    expect(codes(six('APPEND="CONTEXT"\nCONTEXT=[ TOKEN="YES", REPORT_READY="YES" ]\n'))).toEqual([
      'ready_script_missing',
      'context_block',
    ]);
  });

  test('is read as oned reads it in the format of 6', () => {
    expect(codes(six(`NIC=[ NETWORK_ID="0" ] ${block()}`))).toEqual(['context_block']);
    expect(codes(six(block().replace('  TOKEN', '  # see [1]\n  TOKEN')))).toEqual(['context_block']);
    expect(codes(six(block().replace('  TOKEN', '  # TOKEN')))).toContain('token_missing');
    expect(codes(six(`APPEND=CONTEXT\n${block().replace(',', '')}`))).toContain('contents_syntax');
    const { findings } = lint(
      JSON.stringify(six('', `A="1"\n${block().replace('"YES",\n  NETW', '"YES"\n  NETW')}`)),
    );
    expect(findings).toMatchObject([{ code: 'contents_syntax', path: '$.roles[1].vm_template_contents' }]);
    expect(findings[0]?.found).toBe('role supernode: line 3: a comma is missing after TOKEN');
  });
});

describe("the SuperLink's address", () => {
  const WAYS = [
    '${superlink.TEMPLATE.CONTEXT.ETH0_IP}:9092',
    '$NETWORK[IP, NETWORK=a]:9092',
    '192.0.2.7:9092',
  ];
  test.each(WAYS)('%s is one, however it is written', (address) => {
    const context = { CONTEXT: { ...INFRASTRUCTURE, FL_SUPERLINK_ADDRESS: address } };
    expect(codes(seven({}, { template_contents: context }))).toEqual(['superlink_address_set']);
    expect(codes(six('', `FL_SUPERLINK_ADDRESS="${address}"\n`))).toEqual(['superlink_address_set']);
  });
  test('is missing when it is empty or not set', () => {
    const context = { CONTEXT: { ...INFRASTRUCTURE, FL_SUPERLINK_ADDRESS: '' } };
    expect(codes(seven({}, { template_contents: context }))).toEqual([]);
    expect(codes(six('', 'FL_SUPERLINK_ADDRESS="$FL_ADDRESS"\n'))).toEqual(['reference_undefined']);
  });
});

describe('inputs of the service', () => {
  const number = (preset: string): string => `O|number|Clients||${preset}`;
  const inputs = {
    FL_MIN_FIT_CLIENTS: number('5'),
    FL_MIN_AVAILABLE_CLIENTS: number('5'),
    FL_LOG_LEVEL: 'O|text|Log||LOUD',
  };
  const line = (name: string): string => `${name}="$${name}"\n`;
  const both = `${line('FL_LOG_LEVEL')}`;
  const superlink = `${line('FL_MIN_FIT_CLIENTS')}${line('FL_MIN_AVAILABLE_CLIENTS')}${both}`;

  test('reach the roles that have a line for them, with their presets', () => {
    expect(codes(six(superlink, both, inputs)).sort()).toEqual(['preset_invalid', 'too_few_supernodes']);
  });
  test('are lost in a role without a line that reads the variable, and only there', () => {
    const { findings } = lint(JSON.stringify(six(superlink, '', inputs)));
    const lost = findings.filter(({ code }) => code === 'input_partly_mapped');
    expect(lost).toMatchObject([{ path: '$.roles[1].vm_template_contents' }]);
    expect(lost[0]?.found).toBe('vm_template_contents of role supernode has no $FL_LOG_LEVEL');
  });
  test('need no input where the line has the value', () => {
    expect(codes(six('FL_MIN_FIT_CLIENTS="5"\nFL_MIN_AVAILABLE_CLIENTS="5"\n'))).toEqual([
      'too_few_supernodes',
    ]);
    expect(codes(six('FL_NUM_ROUNDS="ten"\n', ''))).toEqual(['preset_invalid']);
  });
});

test('inputs of 7 beside roles of 6 are inputs, and a warning: OneFlow 6 does not ask them', () => {
  const line = 'FL_DATABASE="$FL_DATABASE"\n';
  const { custom_attrs: _, ...body } = six(line, '');
  const { findings } = lint(JSON.stringify({ ...body, user_inputs: { FL_DATABASE: 'O|text|Path||/abs' } }));
  expect(findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
    'error preset_invalid',
    'warning input_form',
  ]);
});

test('inputs of 6 beside roles of 7 are a warning: OneFlow 7 does not ask for them', () => {
  const custom_attrs = { FL_NUM_ROUNDS: 'O|number|Rounds||5' };
  expect(codes({ ...seven(), custom_attrs })).toEqual(['input_form']);
  expect(codes(seven({ custom_attrs }))).toEqual(['input_form']);
});

describe('a service without a Flower role', () => {
  const minio = {
    name: 'Service MinIO',
    deployment: 'straight',
    description: '',
    roles: [
      {
        name: 'minio',
        cardinality: '4',
        min_vms: 1,
        vm_template_contents:
          'NIC=[NAME="NIC0",NETWORK_ID="$Private"]\nREPORT_READY="YES"\nONEAPP_MINIO_USER="$ONEAPP_MINIO_USER"\nFALLBACK_GW = "${vnf.TEMPLATE.CONTEXT.ETH1_IP}"\nONEAPP_LB0_IP="<ETH0_EP0>"',
        cooldown: 5,
        elasticity_policies: [],
        scheduled_policies: [],
      },
      {
        name: 'worker',
        vm_template: '12',
        cardinality: 1,
        parents: ['minio'],
        shutdown_action: 'terminate-hard',
      },
    ],
    networks: { Private: 'M|network|Private| |id:' },
    custom_attrs: {
      ONEAPP_MINIO_USER: 'M|text|MinIO root user| |myminioadmin',
      ONEAPP_MINIO_PASSWORD: 'M|password|MinIO root password',
      ONEAPP_MINIO_CERT: '0|text64|TLS certificate| |',
      ONEAPP_TLS: '0|boolean|TLS||NO',
      ONEAPP_PORT: '0|number|Port||9000',
    },
    ready_status_gate: false,
  };
  test('has no Flower findings', () => {
    expect(lint(JSON.stringify(minio))).toEqual({ format: 6, topology: undefined, findings: [] });
  });
  test('is still read by oned and OneFlow', () => {
    const [first, second] = minio.roles;
    expect(
      codes({ ...minio, roles: [{ ...first, vm_template_contents: 'NIC=[ A="1" B="2" ]' }, second] }),
    ).toEqual(['contents_syntax']);
    expect(codes({ ...minio, roles: [{ ...first, parents: ['worker'] }, second] })).toEqual([
      'cyclic_parents',
    ]);
  });
});

test('a secret is not repeated in the line that corrects it', () => {
  const body = {
    name: 'x',
    deployment: 'straight',
    ready_status_gate: true,
    user_inputs: { MY_PASSWORD: 'O|password|Password||hunter6' },
    roles: [
      {
        name: 'superlink',
        cardinality: 1,
        template_id: 0,
        template_contents: {
          CONTEXT: {
            FL_SSL_KEYFIL: 'hunter2hunter2',
            MY_PASSWORD: 'hunter5',
            ROOT_PASSWORD: '${x}hunter3',
            FL_SSL_KEYFILE: 'a\nhunter4',
          },
        },
      },
    ],
  };
  const text = JSON.stringify(lint(JSON.stringify(body)));
  expect(text).toContain('unknown_variable');
  expect(text).not.toMatch(/hunter/);
});

test.each([
  ['1.36.0', ['preset_suspicious']],
  ['2.0.0', ['preset_invalid']],
  ['', []],
])('a form that asks for Flower %j: %j', (version, wanted) => {
  const body = { ...seven(), user_inputs: { FLOWER_VERSION: `O|text|Flower version||${version}` } };
  const found = lint(JSON.stringify(body)).findings.filter(({ path }) => path.includes('FLOWER_VERSION'));
  expect(found.map(({ code }) => code)).toEqual(wanted);
  for (const { found: text, fix } of found) {
    expect(text).toMatch(/the first boot installs 1\.36\.0|Flower 2\.0\.0/);
    expect(fix?.line).toContain('Flower version||"');
  }
});
