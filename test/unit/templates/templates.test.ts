// What is generated from the table for OpenNebula: service templates of both formats, VM templates.
import { describe, expect, test } from 'vitest';
import { contextJsonSchema } from '../../../scripts/reference/json-schema.ts';
import { variablesReference } from '../../../scripts/reference/variables.ts';
import { vmTemplate } from '../../../scripts/vm-template.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { parseVariables } from '../../../src/config/parse.ts';
import { releaseImage } from '../../../src/config/release.ts';
import { ALL_NAMES, namesOf, rowOf, TABLE, type VariableName } from '../../../src/config/table.ts';
import { userInput } from '../../../src/config/user-inputs.ts';
import type { Role } from '../../../src/core/role.ts';
import {
  answers,
  DEFAULT_OPTIONS,
  serviceTemplate,
  type TemplateOptions,
} from '../../../src/templates/oneflow.ts';
import {
  INFRASTRUCTURE,
  TOPOLOGIES,
  TOPOLOGY_NAMES,
  type Topology,
  vmInputsOf,
} from '../../../src/templates/topology.ts';
import { formatInput, inputOf, parseInput } from '../../../src/templates/user-input.ts';
import { knownVariables, parseVariableFile } from '../../../src/vm/context-file.ts';

interface Made {
  deployment: string;
  ready_status_gate: boolean;
  shutdown_action: string;
  user_inputs?: Record<string, string>;
  custom_attrs?: Record<string, string>;
  roles: {
    name: Role;
    cardinality: number;
    min_vms: number;
    max_vms: number;
    parents?: string[];
    user_inputs?: Record<string, string>;
    template_contents?: { CONTEXT: Record<string, string>; NIC?: unknown };
    vm_template_contents?: string;
  }[];
}

const optionsOf = (topology: Topology, options: Partial<TemplateOptions> = {}): TemplateOptions => ({
  ...DEFAULT_OPTIONS,
  topology,
  supernodes: TOPOLOGIES[topology].supernodes,
  ...options,
});
const make = (topology: Topology, options: Partial<TemplateOptions> = {}): Made =>
  serviceTemplate(optionsOf(topology, options)) as unknown as Made;
const questions = (owner: Pick<Made, 'user_inputs' | 'custom_attrs'>): Record<string, string> =>
  owner.user_inputs ?? owner.custom_attrs ?? {};
const presetsIn = (inputs: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, parseInput(text).preset]));
const linesOf = (role: Made['roles'][number]): Record<string, string> =>
  Object.fromEntries(
    [...role.vm_template_contents!.matchAll(/^(\w+)="(.*)"$/gm)].map(([, name, value]) => [name, value]),
  );

/** The CONTEXT of a VM when the form is sent without changes. What OneFlow itself does is in test/opennebula. */
function contextOf(made: Made, role: Made['roles'][number]): Record<string, string> {
  const answered = { ...presetsIn(questions(made)), ...presetsIn(questions(role)) };
  const attributes = role.vm_template_contents === undefined ? {} : linesOf(role);
  const known: Record<string, string> = { ...attributes, ...role.template_contents?.CONTEXT, ...answered };
  const context = knownVariables(parseVariableFile(vmTemplate(role.name)));
  return { ...context, ...Object.fromEntries(Object.entries(known).filter(([name]) => name in context)) };
}

const every = TOPOLOGY_NAMES.flatMap((topology) =>
  ([6, 7] as const).flatMap((format) => [false, true].map((all) => ({ topology, format, all }))),
);

describe.each(every)(
  'the $topology template, format of $format, all inputs: $all',
  ({ topology, format, all }) => {
    const made = make(topology, { format, all });

    test('has straight deployment, the ready gate and a soft shutdown', () => {
      expect(made).toMatchObject({
        deployment: 'straight',
        ready_status_gate: true,
        shutdown_action: 'terminate',
      });
    });

    test('gives every VM a CONTEXT that the agent accepts when the form is sent without changes', () => {
      for (const role of made.roles) {
        const parsed = parseVariables(contextOf(made, role), releaseImage(role.name));
        expect(parsed).toMatchObject({ ok: true, warnings: [] });
      }
    });

    test('has inputs of five parts', () => {
      const texts = [made, ...made.roles].flatMap((owner) => Object.values(questions(owner)));
      expect(texts.filter((text) => text.split('|').length !== 5)).toEqual([]);
    });

    test('has an answer for every input', () => {
      const { custom_attrs_values, user_inputs_values, roles } = answers(
        optionsOf(topology, { format, all }),
      ) as Record<string, Record<string, string>> & { roles?: Record<string, unknown>[] };
      expect(Object.keys(custom_attrs_values ?? user_inputs_values!)).toEqual(Object.keys(questions(made)));
      const ofRoles = made.roles.filter((role) => Object.keys(questions(role)).length > 0);
      expect((roles ?? []).map((role) => Object.keys(role['user_inputs_values'] as object))).toEqual(
        ofRoles.map((role) => Object.keys(questions(role))),
      );
    });
  },
);

describe.each(TOPOLOGY_NAMES)('the form of %s', (topology) => {
  const made = make(topology);

  test('has at most twenty inputs, all at the service', () => {
    expect(Object.keys(questions(made)).length).toBeLessThanOrEqual(20);
    expect(made.roles.filter((role) => 'custom_attrs' in role || 'user_inputs' in role)).toEqual([]);
  });

  test('has no preset that another image cannot have', () => {
    expect(questions(made)['FLOWER_VERSION']).toBe('O|text|Flower version (empty: what the image has)||');
    expect(questions(made)['ML_FRAMEWORK']).toMatch(/^O\|text\|.*none, pytorch, tensorflow, sklearn\|\|$/);
    if (TOPOLOGIES[topology].roles.includes('supernode'))
      expect(questions(made)['FL_USE_CASE']).toBe('O|list|Pre-built use case|none|none');
  });

  test('has no list with an empty choice: `oneflow-template instantiate` sends no value for it', () => {
    for (const all of [false, true])
      for (const text of Object.values(questions(make(topology, { all }))))
        expect(/^.\|list\|/.test(text) && parseInput(text).options.includes(''), text).toBe(false);
  });

  test('has every variable with all inputs, except the excluded ones', () => {
    const left = ALL_NAMES.filter(
      (name) =>
        rowOf(name).level !== 'infrastructure' &&
        rowOf(name).roles.some((role) => TOPOLOGIES[topology].roles.includes(role)) &&
        !(name in questions(make(topology, { all: true }))),
    );
    expect(left.sort()).toEqual(Object.keys(TOPOLOGIES[topology].excluded).sort());
  });

  test('has a line in each role for each of its inputs, and no CONTEXT', () => {
    for (const role of made.roles) {
      const own = Object.keys(questions(made)).filter((name) =>
        rowOf(name as VariableName).roles.includes(role.name),
      );
      expect(linesOf(role)).toEqual(Object.fromEntries(own.map((name) => [name, `$${name}`])));
      expect(role.vm_template_contents).not.toContain('CONTEXT');
    }
  });

  test('has no name before a longer one that begins with it', () => {
    for (const role of make(topology, { all: true }).roles) {
      const names = Object.keys(linesOf(role));
      const wrong = names.filter((name, at) => names.slice(at + 1).some((later) => later.startsWith(name)));
      expect(wrong).toEqual([]);
    }
  });

  test('has an input for a private key only where no SuperNode can read it', () => {
    const withNodes = TOPOLOGIES[topology].roles.includes('supernode');
    const keys = Object.keys(questions(make(topology, { all: true }))).filter((name) =>
      /^FL_SSL_(CERT|KEY)/.test(name),
    );
    expect(keys).toEqual(withNodes ? [] : ['FL_SSL_CERTFILE', 'FL_SSL_KEYFILE']);
  });

  test('leaves no input to the VM template that it excludes', () => {
    for (const role of TOPOLOGIES[topology].roles) {
      const free = vmInputsOf(role).filter(
        (name) => !(name in questions(made)) && TOPOLOGIES[topology].excluded[name] === undefined,
      );
      expect(free).toEqual([]);
    }
  });

  test('leaves to the VM template only inputs without a preset, because Sunstone 7 sends them to other roles', () => {
    for (const role of TOPOLOGIES[topology].roles) {
      const left = vmInputsOf(role).filter((name) => !(name in questions(made)));
      expect(left.filter((name) => inputOf(name).preset !== '')).toEqual([]);
    }
  });
});

test('the format of 7 with all inputs has each variable at its level, except presets and mandatory inputs of the topology', () => {
  for (const topology of TOPOLOGY_NAMES) {
    const made = make(topology, { format: 7, all: true });
    const { presets, mandatory } = TOPOLOGIES[topology];
    const own = [...Object.keys(presets), ...mandatory];
    expect(Object.keys(questions(made))).toEqual(expect.arrayContaining(own));
    for (const name of Object.keys(questions(made)).filter((one) => !own.includes(one)))
      expect(rowOf(name as VariableName).level).toBe('service');
    for (const role of made.roles)
      for (const name of Object.keys(questions(role)) as VariableName[])
        expect(rowOf(name)).toMatchObject({ level: 'role', roles: expect.arrayContaining([role.name]) });
  }
});

describe('the single-site template', () => {
  const [superlink, supernode] = make('single-site').roles;
  test('has exactly one SuperLink', () => {
    expect(superlink).toMatchObject({
      name: 'superlink',
      cardinality: 1,
      min_vms: 1,
      max_vms: 1,
      vm_template: 0,
    });
  });
  test('has two to ten SuperNodes, which wait for it', () => {
    expect(supernode).toMatchObject({
      name: 'supernode',
      cardinality: 2,
      min_vms: 2,
      max_vms: 10,
      parents: ['superlink'],
    });
  });
});

describe('the coordinator template', () => {
  const made = make('coordinator');
  test('has the SuperLink only, with TLS on and ten rounds', () => {
    expect(made.roles.map(({ name }) => name)).toEqual(['superlink']);
    expect(questions(made)).toMatchObject({
      FL_TLS_ENABLED: expect.stringMatching(/\|YES$/),
      FL_NUM_ROUNDS: expect.stringMatching(/\|10$/),
    });
  });
  test('has the inputs that other zones need', () => {
    expect(Object.keys(questions(made))).toEqual(
      expect.arrayContaining(['FL_CERT_EXTRA_SAN', 'FL_GRPC_KEEPALIVE_TIME', 'FL_SSL_CERTFILE']),
    );
  });
});

describe('the training-site template', () => {
  const made = make('training-site');
  test('has only SuperNodes, without parents', () => {
    expect(made.roles.map(({ name }) => name)).toEqual(['supernode']);
    expect(made.roles[0]).not.toHaveProperty('parents');
  });
  test('requires the address and the CA of the coordinator, and nothing else', () => {
    const mandatory = Object.entries(questions(made)).filter(([, text]) => text.startsWith('M|'));
    expect(mandatory.map(([name]) => name).sort()).toEqual(['FL_SSL_CA_CERTFILE', 'FL_SUPERLINK_ADDRESS']);
  });
});

test('a framework that is set is a list', () => {
  const made = make('single-site', { values: new Map([['ML_FRAMEWORK', 'sklearn']]) });
  expect(questions(made)['ML_FRAMEWORK']).toBe(
    'O|list|ML framework (empty: what the image has)|none,pytorch,tensorflow,sklearn|sklearn',
  );
  expect(made.roles.map((role) => linesOf(role)['ML_FRAMEWORK'])).toEqual(['$ML_FRAMEWORK', '$ML_FRAMEWORK']);
});

describe('a value that is set', () => {
  const values = new Map<VariableName, string>([
    ['FL_NUM_ROUNDS', '20'],
    ['FL_PROXIMAL_MU', '0.5'],
    ['FL_METRICS_ENABLED', 'YES'],
  ]);

  test('is the preset of its input, or a line of the roles that read it', () => {
    const made = make('single-site', { values });
    expect(questions(made)['FL_NUM_ROUNDS']).toBe('O|number|Number of federated learning rounds||20');
    expect(made.roles.map((role) => linesOf(role))).toMatchObject([
      { FL_NUM_ROUNDS: '$FL_NUM_ROUNDS', FL_PROXIMAL_MU: '0.5', FL_METRICS_ENABLED: 'YES' },
      { FL_METRICS_ENABLED: 'YES' },
    ]);
    expect(linesOf(made.roles[1]!)).not.toHaveProperty('FL_PROXIMAL_MU');
  });

  test.each([
    { format: 6, all: false },
    { format: 6, all: true },
    { format: 7, all: false },
    { format: 7, all: true },
  ] as const)('reaches the VM: format of $format, all inputs: $all', ({ format, all }) => {
    const made = make('single-site', { values, format, all });
    expect(contextOf(made, made.roles[0]!)).toMatchObject(Object.fromEntries(values));
    expect(contextOf(made, made.roles[1]!)).toMatchObject({ FL_METRICS_ENABLED: 'YES' });
  });

  test('is an input of the service in the format of 7, because Sunstone shows no inputs of a role', () => {
    const made = make('single-site', { values, format: 7, all: true });
    expect(Object.keys(questions(made))).toEqual(expect.arrayContaining([...values.keys()]));
    expect(made.roles.flatMap((role) => Object.keys(questions(role)))).not.toContain('FL_NUM_ROUNDS');
  });

  test('is not encoded a second time when it is a certificate', () => {
    const ca = new Map<VariableName, string>([['FL_SSL_CA_CERTFILE', 'LS0tLS1CRUdJTg==']]);
    expect(questions(make('training-site', { values: ca }))['FL_SSL_CA_CERTFILE']).toBe(
      'M|text|CA certificate (base64 PEM)||LS0tLS1CRUdJTg==',
    );
  });

  test('is in the answers', () => {
    expect(answers(optionsOf('single-site', { values }))).toMatchObject({
      custom_attrs_values: { FL_NUM_ROUNDS: '20', FL_STRATEGY: 'FedAvg', FL_NODE_CONFIG: '' },
    });
  });
});

test.each([
  ['training', { NETWORK: 'training' }, 'NIC=[\n  NETWORK="training" ]\n'],
  [
    'oneadmin/training',
    { NETWORK: 'training', NETWORK_UNAME: 'oneadmin' },
    'NIC=[\n  NETWORK="training",\n  NETWORK_UNAME="oneadmin" ]\n',
  ],
  ['7', { NETWORK_ID: '7' }, 'NIC=[\n  NETWORK_ID="7" ]\n'],
])('network %s is that of every VM', (network, nic, block) => {
  expect(
    make('single-site', { format: 7, network }).roles.map((role) => role.template_contents!.NIC),
  ).toEqual([[nic], [nic]]);
  for (const role of make('single-site', { network }).roles)
    expect(role.vm_template_contents).toContain(block);
});

describe('a user input', () => {
  const asked = ALL_NAMES.filter((name) => rowOf(name).level !== 'infrastructure');
  test.each(asked)('%s is as in the table', (name) => {
    expect(formatInput(inputOf(name))).toBe(userInput(name, BAKED_FLOWER));
  });
  test('is the same after writing and reading', () => {
    const input = { mandatory: true, type: 'list', title: 'Which?', options: ['a', 'b'], preset: 'a' };
    expect(parseInput(formatInput(input))).toEqual(input);
  });
  test.each(asked)('%s has five parts', (name) => {
    expect(userInput(name)!.split('|').length).toBe(5);
  });
  test('that is a number has a preset: OpenNebula sends no value for an empty one', () => {
    expect(asked.filter((name) => /^.\|number(-float)?\|.*\|$/.test(userInput(name)!))).toEqual([]);
  });
  test('that is on is a list: Sunstone 6.10 shows a boolean as off', () => {
    expect(asked.filter((name) => /\|boolean\|.*\|YES$/.test(userInput(name)!))).toEqual([]);
    expect(formatInput(inputOf('FL_CHECKPOINT_ENABLED', { preset: 'YES' }))).toBe(
      'O|list|Enable model checkpointing|YES,NO|YES',
    );
  });
});

describe.each(['superlink', 'supernode'] as const)('the VM template of a %s', (role) => {
  const text = vmTemplate(role);
  test('has a CONTEXT that the agent can read', () => {
    const context = knownVariables(parseVariableFile(text));
    expect(Object.keys(context)).toEqual(
      expect.arrayContaining([
        ...INFRASTRUCTURE,
        ...namesOf(role).filter((name) => rowOf(name).level !== 'infrastructure'),
      ]),
    );
    expect(context).toMatchObject({ TOKEN: 'YES', REPORT_READY: 'YES' });
  });
  test('has the inputs of this role in any service template', () => {
    const inputs = [...text.matchAll(/^ {2}(\w+)="[MO]\|/gm)].map(([, name]) => name);
    expect(inputs).toEqual(vmInputsOf(role));
    expect(inputs).toEqual(
      expect.arrayContaining(
        role === 'superlink' ? ['FL_NUM_ROUNDS', 'FL_SSL_KEYFILE'] : ['FL_SUPERLINK_ADDRESS'],
      ),
    );
    expect(inputs.length).toBeLessThanOrEqual(20);
  });
});

test('one row of the table changes reference, templates, schemas and VM templates', () => {
  const surfaces = (): string[] => [
    variablesReference(),
    JSON.stringify(make('single-site', { format: 7 })),
    JSON.stringify(make('single-site', { format: 6 })),
    JSON.stringify(contextJsonSchema('superlink')),
    vmTemplate('superlink'),
  ];
  const row = TABLE.FL_NUM_ROUNDS as { title: string };
  const before = surfaces();
  const title = row.title;
  try {
    row.title = 'Rounds, so many';
    for (const [index, after] of surfaces().entries()) {
      expect(after).toBe(before[index]!.replaceAll(title, 'Rounds, so many'));
      expect(after).not.toBe(before[index]);
    }
  } finally {
    row.title = title;
  }
});
