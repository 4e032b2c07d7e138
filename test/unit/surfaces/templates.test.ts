// What is made of the table for OpenNebula: service templates of both forms, VM templates.
import { describe, expect, test } from 'vitest';
import { parseContextFile } from '../../../src/context/forms.ts';
import { contextBlock } from '../../../src/lint/context-block.ts';
import { contextJsonSchema } from '../../../src/params/json-schema.ts';
import { parseVariables } from '../../../src/params/parse.ts';
import { variablesReference } from '../../../src/params/reference.ts';
import { BAKED_FLOWER, releaseImage } from '../../../src/params/release.ts';
import { DEFAULT_WISHES, type Form, serviceTemplate } from '../../../src/params/surfaces/oneflow.ts';
import { INFRASTRUCTURE, SITE_NAMES, SITES, type Site } from '../../../src/params/surfaces/site.ts';
import { formatInput, inputOf, parseInput } from '../../../src/params/surfaces/user-input.ts';
import { vmTemplate } from '../../../src/params/surfaces/vm-template.ts';
import { ALL_NAMES, namesOf, rowOf, TABLE, type VariableName } from '../../../src/params/table.ts';
import { userInput } from '../../../src/params/user-inputs.ts';
import type { Role } from '../../../src/params/variable.ts';

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
    custom_attrs?: Record<string, string>;
    template_contents?: { CONTEXT: Record<string, string>; NIC?: unknown };
    vm_template_contents?: string;
  }[];
}

const make = (site: Site, form: Form, wishes = {}): Made =>
  serviceTemplate({
    ...DEFAULT_WISHES,
    site,
    form,
    supernodes: SITES[site].supernodes,
    ...wishes,
  }) as unknown as Made;
const inputsOf = (owner: {
  user_inputs?: Record<string, string>;
  custom_attrs?: Record<string, string>;
}): Record<string, string> => owner.user_inputs ?? owner.custom_attrs ?? {};
const presetsIn = (inputs: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, parseInput(text).preset]));

/** What OneFlow does at instantiation when nobody changes anything in the form. */
function contextOf(made: Made, role: Made['roles'][number]): Record<string, string> {
  const answers = { ...presetsIn(inputsOf(made)), ...presetsIn(inputsOf(role)) };
  if (role.template_contents !== undefined) return { ...role.template_contents.CONTEXT, ...answers };
  // OneFlow 6: the names in the order of the text, each replaced wherever its letters stand.
  let text = role.vm_template_contents!;
  for (const [, name] of role.vm_template_contents!.matchAll(/\$(\w+)/g)) {
    if (name! in answers) text = text.replaceAll(`$${name}`, () => answers[name!]!);
  }
  return Object.fromEntries(contextBlock(text));
}

const both = SITE_NAMES.flatMap((site) => ([7, 6] as const).map((form) => ({ site, form })));

describe.each(both)('the $site template for OpenNebula $form', ({ site, form }) => {
  const made = make(site, form);

  test('deploys straight behind the ready gate and is terminated softly', () => {
    expect(made).toMatchObject({
      deployment: 'straight',
      ready_status_gate: true,
      shutdown_action: 'terminate',
    });
  });

  test('asks for each variable at its one level, and for nothing of the infrastructure', () => {
    const service = Object.keys(inputsOf(made));
    expect(service.map((name) => rowOf(name as VariableName).level)).toEqual(service.map(() => 'service'));
    for (const role of made.roles) {
      const names = Object.keys(inputsOf(role)) as VariableName[];
      expect(
        names.filter((name) => rowOf(name).level !== 'role' || !rowOf(name).roles.includes(role.name)),
      ).toEqual([]);
      expect(names.filter((name) => service.includes(name))).toEqual([]);
    }
  });

  test('asks for every variable, except those that it says it leaves out', () => {
    for (const role of made.roles) {
      const asked = [...Object.keys(inputsOf(made)), ...Object.keys(inputsOf(role))];
      const left = namesOf(role.name).filter(
        (name) => rowOf(name).level !== 'infrastructure' && !asked.includes(name),
      );
      expect(left).toEqual(
        Object.keys(SITES[site].without).filter((name) =>
          rowOf(name as VariableName).roles.includes(role.name),
        ),
      );
    }
  });

  test('has the infrastructure in the CONTEXT of every role', () => {
    for (const role of made.roles) {
      expect(contextOf(made, role)).toMatchObject(
        Object.fromEntries(INFRASTRUCTURE.map((name) => [name, rowOf(name).template])),
      );
    }
  });

  test('gives every VM a CONTEXT that the agent takes when the form is left as it is', () => {
    for (const role of made.roles) {
      const context = contextOf(made, role);
      expect(Object.keys(context)).toEqual(
        expect.arrayContaining([...Object.keys(inputsOf(made)), ...Object.keys(inputsOf(role))]),
      );
      const parsed = parseVariables(context, releaseImage(role.name));
      expect(parsed).toMatchObject({ ok: true, warnings: [] });
    }
  });
});

describe('the single-site template', () => {
  const [superlink, supernode] = make('single-site', 7).roles;
  test('has exactly one SuperLink', () => {
    expect(superlink).toMatchObject({
      name: 'superlink',
      type: 'vm',
      cardinality: 1,
      min_vms: 1,
      max_vms: 1,
      template_id: 0,
    });
  });
  test('has two SuperNodes of two to ten, which wait for it', () => {
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
  const made = make('coordinator', 7);
  test('has the SuperLink only, with TLS on and ten rounds', () => {
    expect(made.roles.map(({ name }) => name)).toEqual(['superlink']);
    expect(inputsOf(made)['FL_TLS_ENABLED']).toMatch(/\|YES$/);
    expect(inputsOf(made.roles[0]!)['FL_NUM_ROUNDS']).toMatch(/\|10$/);
  });
  test('asks for what other zones need', () => {
    expect(Object.keys(inputsOf(made.roles[0]!))).toEqual(
      expect.arrayContaining(['FL_CERT_EXTRA_SAN', 'FL_GRPC_KEEPALIVE_TIME', 'FL_SSL_CERTFILE']),
    );
  });
});

describe('the training-site template', () => {
  const [supernode, ...others] = make('training-site', 7).roles;
  test('has SuperNodes only, which wait for nobody here', () => {
    expect(others).toEqual([]);
    expect(supernode).not.toHaveProperty('parents');
  });
  test('insists on the address and on the CA of the coordinator, and on nothing else', () => {
    const mandatory = Object.entries(inputsOf(supernode!)).filter(([, text]) => text.startsWith('M|'));
    expect(mandatory.map(([name]) => name).sort()).toEqual(['FL_SSL_CA_CERTFILE', 'FL_SUPERLINK_ADDRESS']);
  });
});

describe('what is asked of a template', () => {
  test('changes what the form is filled in with, and what no form asks for', () => {
    const values = new Map<VariableName, string>([
      ['FL_NUM_ROUNDS', '20'],
      ['READY_SCRIPT_PATH', '/usr/local/bin/ready'],
    ]);
    const made = make('single-site', 7, { values });
    expect(inputsOf(made.roles[0]!)['FL_NUM_ROUNDS']).toBe(
      'O|number|Number of federated learning rounds||20',
    );
    expect(made.roles.map((role) => role.template_contents!.CONTEXT['READY_SCRIPT_PATH'])).toEqual([
      '/usr/local/bin/ready',
      '/usr/local/bin/ready',
    ]);
  });

  test('is not encoded once more by the form when it is a certificate', () => {
    const values = new Map<VariableName, string>([['FL_SSL_CA_CERTFILE', 'LS0tLS1CRUdJTg==']]);
    const input = inputsOf(make('training-site', 7, { values }).roles[0]!)['FL_SSL_CA_CERTFILE'];
    expect(input).toBe('M|text|CA certificate (base64 PEM)||LS0tLS1CRUdJTg==');
  });

  test.each([
    ['training', { NETWORK: 'training' }],
    ['7', { NETWORK_ID: '7' }],
  ])('attaches every VM to network %s', (network, nic) => {
    expect(make('single-site', 7, { network }).roles.map((role) => role.template_contents!.NIC)).toEqual([
      [nic],
      [nic],
    ]);
    const [[name, value]] = Object.entries(nic) as [[string, string]];
    expect(make('single-site', 6, { network }).roles[0]!.vm_template_contents).toContain(
      `NIC=[\n  ${name}="${value}" ]\n`,
    );
  });
});

describe('a user input', () => {
  const asked = ALL_NAMES.filter((name) => rowOf(name).level !== 'infrastructure');
  test.each(asked)('%s is written as the table says', (name) => {
    expect(formatInput(inputOf(name))).toBe(userInput(name, BAKED_FLOWER));
  });
  test('is read back as it was written', () => {
    const input = { mandatory: true, type: 'list', title: 'Which?', options: ['a', 'b'], preset: 'a' };
    expect(parseInput(formatInput(input))).toEqual(input);
  });
  test.each(asked)('%s has no bar where it would not be one', (name) => {
    expect(userInput(name)!.split('|').length).toBe(rowOf(name).input === 'text64' ? 3 : 5);
  });
});

describe.each(['superlink', 'supernode'] as const)('the VM template of a %s', (role) => {
  const text = vmTemplate(role);
  test('can be read by the agent, which takes its CONTEXT', () => {
    const context = parseContextFile(Buffer.from(text));
    expect(Object.keys(context)).toEqual(
      expect.arrayContaining([
        ...INFRASTRUCTURE,
        ...namesOf(role).filter((name) => rowOf(name).level !== 'infrastructure'),
      ]),
    );
    expect(context).toMatchObject({ TOKEN: 'YES', REPORT_READY: 'YES' });
  });
  test('asks for each variable of the role once', () => {
    const inputs = [...text.matchAll(/^ {2}(\w+)="[MO]\|/gm)].map(([, name]) => name);
    expect(inputs).toEqual(namesOf(role).filter((name) => rowOf(name).level !== 'infrastructure'));
  });
});

test('one row of the table changes reference, templates, schemas and VM templates', () => {
  const surfaces = (): string[] => [
    variablesReference(),
    JSON.stringify(make('single-site', 7)),
    JSON.stringify(make('single-site', 6)),
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
