// Anti-patterns of service templates: a change to a generated template that is wrong, and a similar one that is right.
import type { LintCode } from '../../../src/templates/lint/codes.ts';
import type { OneFlowVersion } from '../../../src/templates/oneflow.ts';
import type { Topology } from '../../../src/templates/topology.ts';
import type { Template } from './template.ts';

type Change = (template: Template) => Template;
export interface Case {
  readonly what: string;
  readonly topology?: Topology;
  readonly formats?: readonly OneFlowVersion[];
  readonly wrong: Change;
  /** Similar, and right. */
  readonly right: Change;
  readonly rightTopology?: Topology;
}

const CPU_POLICY = [{ type: 'CHANGE', adjust: 1, expression: 'CPU > 80', cooldown: 300 }];

export const CASES: Partial<Record<LintCode, readonly Case[]>> = {
  gate_off: [
    {
      what: 'off',
      wrong: (t) => t.service({ ready_status_gate: false }),
      right: (t) => t.service({ automatic_deletion: false }),
    },
    { what: 'missing', wrong: (t) => t.service({ ready_status_gate: undefined }), right: (t) => t },
  ],
  deployment_not_straight: [
    {
      what: 'none, with SuperLink and SuperNodes in it',
      wrong: (t) => t.service({ deployment: 'none' }),
      rightTopology: 'training-site',
      right: (t) => t.service({ deployment: 'none' }),
    },
    { what: 'missing', wrong: (t) => t.service({ deployment: undefined }), right: (t) => t },
  ],
  supernode_without_parent: [
    {
      what: 'no parents',
      wrong: (t) => t.inRole('supernode', { parents: [] }),
      right: (t) => t,
      rightTopology: 'training-site',
    },
  ],
  superlink_count: [
    {
      what: 'cardinality of two',
      wrong: (t) => t.inRole('superlink', { cardinality: 2, max_vms: 2 }),
      right: (t) => t.inRole('supernode', { cardinality: 4 }),
    },
    {
      what: 'min_vms of 0',
      wrong: (t) => t.inRole('superlink', { min_vms: 0 }),
      right: (t) => t.inRole('superlink', { min_vms: undefined }),
    },
    {
      what: 'max_vms of 3',
      wrong: (t) => t.inRole('superlink', { max_vms: 3 }),
      right: (t) => t.inRole('superlink', { max_vms: undefined }),
    },
  ],
  superlink_policies: [
    {
      what: 'elasticity on the SuperLink',
      wrong: (t) => t.inRole('superlink', { elasticity_policies: CPU_POLICY }),
      right: (t) => t.inRole('supernode', { elasticity_policies: CPU_POLICY }),
    },
    {
      what: 'a schedule on the SuperLink',
      wrong: (t) =>
        t.inRole('superlink', {
          scheduled_policies: [{ type: 'CARDINALITY', adjust: 1, recurrence: '0 9 * * *' }],
        }),
      right: (t) => t.inRole('superlink', { scheduled_policies: [] }),
    },
  ],
  cardinality_missing: [
    {
      what: 'missing',
      wrong: (t) => t.inRole('supernode', { cardinality: undefined }),
      right: (t) => t.inRole('supernode', { min_vms: undefined, max_vms: undefined }),
    },
  ],
  too_few_supernodes: [
    {
      what: 'min_vms below FL_MIN_AVAILABLE_CLIENTS',
      wrong: (t) => t.inRole('supernode', { min_vms: 1 }),
      right: (t) =>
        t
          .inRole('supernode', { min_vms: 1 })
          .preset('FL_MIN_AVAILABLE_CLIENTS', '1')
          .preset('FL_MIN_FIT_CLIENTS', '1'),
    },
    {
      what: 'min_vms below FL_MIN_FIT_CLIENTS',
      wrong: (t) =>
        t
          .preset('FL_MIN_FIT_CLIENTS', '3')
          .preset('FL_MIN_AVAILABLE_CLIENTS', '3')
          .inRole('supernode', { cardinality: 3 }),
      right: (t) =>
        t
          .preset('FL_MIN_FIT_CLIENTS', '3')
          .preset('FL_MIN_AVAILABLE_CLIENTS', '3')
          .inRole('supernode', { cardinality: 3, min_vms: 3 }),
    },
  ],
  robust_clients: [
    {
      what: 'Bulyan with f=2 and a role that can never have 11',
      wrong: (t) =>
        t
          .preset('FL_STRATEGY', 'Bulyan')
          .preset('FL_NUM_MALICIOUS', '2')
          .preset('FL_MIN_AVAILABLE_CLIENTS', '11')
          .preset('FL_MIN_FIT_CLIENTS', '11')
          .inRole('supernode', { min_vms: 10, cardinality: 10, max_vms: 10 }),
      right: (t) =>
        t
          .preset('FL_STRATEGY', 'Bulyan')
          .preset('FL_NUM_MALICIOUS', '2')
          .preset('FL_MIN_AVAILABLE_CLIENTS', '11')
          .preset('FL_MIN_FIT_CLIENTS', '11')
          .inRole('supernode', { min_vms: 11, cardinality: 11, max_vms: 12 }),
    },
  ],
  input_twice: [
    {
      what: 'service and role',
      wrong: (t) => t.roleInput('superlink', 'FL_LOG_LEVEL', 'O|list|Log verbosity|DEBUG,INFO|INFO'),
      right: (t) => t.input('service', 'FL_LOG_LEVEL', 'O|list|Log verbosity|DEBUG,INFO|INFO'),
    },
    {
      what: 'service with ONEAPP_ and role without',
      wrong: (t) =>
        t
          .input('supernode', 'ONEAPP_FL_NODE_CONFIG', 'O|text|Node config||')
          .roleInput('supernode', 'FL_NODE_CONFIG', 'O|text|Node config||'),
      right: (t) =>
        t
          .input('supernode', 'FL_NODE_CONFIG', undefined)
          .roleInput('supernode', 'ONEAPP_FL_NODE_CONFIG', 'O|text|Node config||'),
    },
  ],
  infrastructure_as_input: [
    {
      what: 'TOKEN is asked for by the service',
      wrong: (t) => t.input('service', 'TOKEN', 'O|boolean|OneGate token||YES'),
      right: (t) => t.input('service', 'MY_TOKEN', 'O|boolean|Token||YES'),
    },
    {
      what: 'REPORT_READY is asked for by a role',
      wrong: (t) => t.roleInput('supernode', 'REPORT_READY', 'O|text|Report||'),
      right: (t) => t.roleInput('supernode', 'MY_REPORT', 'O|text|Report||'),
    },
  ],
  token_missing: [
    {
      what: 'missing beside the others',
      formats: [7],
      wrong: (t) => t.written('superlink', 'TOKEN', undefined),
      right: (t) => t.inRole('superlink', { template_contents: { CONTEXT: { NETWORK: 'YES' } } }),
    },
    {
      what: 'NO',
      formats: [7],
      wrong: (t) => t.written('supernode', 'TOKEN', 'NO'),
      right: (t) => t.written('supernode', 'TOKEN', 'yes'),
    },
  ],
  report_ready_missing: [
    {
      what: 'missing',
      formats: [7],
      wrong: (t) => t.written('supernode', 'REPORT_READY', undefined),
      right: (t) => t.inRole('supernode', { template_contents: {} }),
    },
    {
      what: 'in small letters',
      formats: [7],
      wrong: (t) => t.written('superlink', 'REPORT_READY', 'yes'),
      right: (t) => t.written('superlink', 'TOKEN', 'yes'),
    },
  ],
  ready_script_missing: [
    {
      what: 'missing',
      formats: [7],
      wrong: (t) => t.written('superlink', 'READY_SCRIPT_PATH', undefined),
      right: (t) => t.written('superlink', 'READY_SCRIPT_PATH', '/usr/local/bin/ready'),
    },
  ],
  ready_preset: [
    {
      what: 'READY in the contents',
      formats: [7],
      wrong: (t) =>
        t.inRole('superlink', {
          template_contents: { ...(t.role('superlink')['template_contents'] as object), READY: 'YES' },
        }),
      right: (t) =>
        t.inRole('superlink', {
          template_contents: { ...(t.role('superlink')['template_contents'] as object), READYNESS: 'YES' },
        }),
    },
    {
      what: 'READY in the contents',
      formats: [6],
      wrong: (t) =>
        t.inRole('superlink', {
          vm_template_contents: `READY="YES"\n${t.role('superlink')['vm_template_contents']}`,
        }),
      right: (t) =>
        t.inRole('superlink', {
          vm_template_contents: `ALREADY="YES"\n${t.role('superlink')['vm_template_contents']}`,
        }),
    },
    {
      what: 'READY as an input',
      wrong: (t) => t.input('service', 'READY', 'O|text|Ready||NO'),
      right: (t) => t.input('service', 'READYNESS', 'O|text|Ready||NO'),
    },
  ],
  superlink_address_set: [
    {
      what: 'filled in',
      wrong: (t) => t.input('supernode', 'FL_SUPERLINK_ADDRESS', 'O|text|SuperLink||192.0.2.7:9092'),
      right: (t) => t.input('supernode', 'FL_SUPERLINK_ADDRESS', 'O|text|SuperLink||'),
    },
    {
      what: 'mandatory',
      wrong: (t) => t.input('supernode', 'FL_SUPERLINK_ADDRESS', 'M|text|SuperLink||'),
      rightTopology: 'training-site',
      right: (t) => t.input('supernode', 'FL_SUPERLINK_ADDRESS', 'M|text|SuperLink||'),
    },
    {
      what: 'in the CONTEXT',
      wrong: (t) => t.written('supernode', 'FL_SUPERLINK_ADDRESS', '192.0.2.7:9092'),
      right: (t) => t.written('supernode', 'FL_SUPERLINK_ADDRESS', ''),
    },
  ],
  superlink_address_optional: [
    {
      what: 'optional and empty',
      topology: 'training-site',
      wrong: (t) => t.input('supernode', 'FL_SUPERLINK_ADDRESS', 'O|text|SuperLink||'),
      right: (t) => t.input('supernode', 'FL_SUPERLINK_ADDRESS', 'O|text|SuperLink||192.0.2.7:9092'),
    },
    {
      what: 'not asked for',
      topology: 'training-site',
      wrong: (t) => t.input('supernode', 'FL_SUPERLINK_ADDRESS', undefined),
      right: (t) =>
        t
          .input('supernode', 'FL_SUPERLINK_ADDRESS', undefined)
          .written('supernode', 'FL_SUPERLINK_ADDRESS', '192.0.2.7:9092'),
    },
  ],
  ca_optional: [
    {
      what: 'optional with TLS on',
      topology: 'training-site',
      wrong: (t) => t.input('supernode', 'FL_SSL_CA_CERTFILE', 'O|text64|CA||'),
      right: (t) =>
        t.input('supernode', 'FL_SSL_CA_CERTFILE', 'M|text64|CA certificate of the coordinator||'),
    },
    {
      what: 'not asked for, TLS left open',
      topology: 'training-site',
      wrong: (t) => t.input('supernode', 'FL_SSL_CA_CERTFILE', undefined).preset('FL_TLS_ENABLED', ''),
      rightTopology: 'single-site',
      right: (t) => t.input('supernode', 'FL_SSL_CA_CERTFILE', undefined),
    },
  ],
  tls_off_across_zones: [
    {
      what: 'in a training site',
      topology: 'training-site',
      wrong: (t) => t.preset('FL_TLS_ENABLED', 'NO'),
      right: (t) => t.preset('FL_TLS_ENABLED', 'NO'),
      rightTopology: 'single-site',
    },
    {
      what: 'in a coordinator',
      topology: 'coordinator',
      wrong: (t) => t.preset('FL_TLS_ENABLED', 'no'),
      right: (t) => t.preset('FL_TLS_ENABLED', 'yes'),
    },
  ],
  supernode_in_coordinator: [
    {
      what: 'in a template with that name',
      wrong: (t) => t.service({ name: 'Flower coordinator, Bonn' }),
      right: (t) => t.service({ name: 'Flower in Bonn' }),
    },
  ],
  keepalive_too_fast: [
    {
      what: 'below half of the SuperLink',
      wrong: (t) => keepalive(t, '29'),
      right: (t) => keepalive(t, '30'),
    },
  ],
  cooldown_short: [
    {
      what: 'of a role',
      wrong: (t) => t.inRole('supernode', { cooldown: 30 }),
      right: (t) => t.inRole('supernode', { cooldown: 120 }),
    },
    {
      what: 'of a policy',
      wrong: (t) => t.inRole('supernode', { elasticity_policies: [{ ...CPU_POLICY[0], cooldown: 60 }] }),
      right: (t) => t.inRole('supernode', { elasticity_policies: CPU_POLICY }),
    },
  ],
  unknown_variable: [
    {
      what: 'a typing error',
      wrong: (t) => t.input('superlink', 'FL_NUM_ROUND', 'O|number|Rounds||3'),
      right: (t) => t.input('superlink', 'NUM_ROUND', 'O|number|Rounds||3'),
    },
    {
      what: 'in the CONTEXT',
      wrong: (t) => t.written('supernode', 'FL_SUPERLINK_ADRESS', 'a:1'),
      right: (t) => t.written('supernode', 'ONEAPP_FL_LOG_LEVEL', 'INFO'),
    },
  ],
  preset_invalid: [
    {
      what: 'anomaly-detection without scikit-learn',
      wrong: (t) => t.preset('FL_USE_CASE', 'anomaly-detection'),
      right: (t) => t.preset('FL_USE_CASE', 'none'),
    },
    {
      what: 'Krum with f=1 and two available clients',
      wrong: (t) => t.preset('FL_STRATEGY', 'Krum').preset('FL_NUM_MALICIOUS', '1'),
      right: (t) =>
        t
          .preset('FL_STRATEGY', 'Krum')
          .preset('FL_MIN_AVAILABLE_CLIENTS', '3')
          .preset('FL_MIN_FIT_CLIENTS', '3')
          .inRole('supernode', { min_vms: 3, cardinality: 3 }),
    },
    {
      what: 'not a number',
      wrong: (t) => t.preset('FL_NUM_ROUNDS', 'ten'),
      right: (t) => t.preset('FL_CERT_EXTRA_SAN', ''),
    },
    {
      what: 'two that do not fit',
      wrong: (t) => t.preset('FL_GRPC_KEEPALIVE_TIMEOUT', '60'),
      right: (t) => t.preset('FL_GRPC_KEEPALIVE_TIMEOUT', '59'),
    },
    {
      what: 'in the CONTEXT',
      wrong: (t) =>
        t.written('superlink', 'ONEAPP_FL_DATABASE', '/abs').input('superlink', 'FL_DATABASE', undefined),
      right: (t) =>
        t.written('superlink', 'ONEAPP_FL_DATABASE', 'abs').input('superlink', 'FL_DATABASE', undefined),
    },
  ],
  preset_suspicious: [
    {
      what: 'the Control API on all addresses',
      wrong: (t) => t.preset('FL_CONTROL_API_ADDRESS', '0.0.0.0:9093'),
      right: (t) => t.preset('FL_CONTROL_API_ADDRESS', '127.0.0.2:9093'),
    },
    {
      what: 'a framework that the image of the release lacks',
      wrong: (t) => t.preset('ML_FRAMEWORK', 'pytorch'),
      right: (t) => t.preset('ML_FRAMEWORK', 'none'),
    },
  ],
  option_invalid: [
    {
      what: 'a strategy that does not exist',
      wrong: (t) => t.input('superlink', 'FL_STRATEGY', 'O|list|Strategy|FedAvg,FedSgd|FedAvg'),
      right: (t) => t.input('superlink', 'FL_STRATEGY', 'O|list|Strategy|FedAvg,Krum|FedAvg'),
    },
  ],
  input_partly_mapped: [
    {
      what: 'in one of the two roles that read it',
      formats: [6],
      wrong: (t) => t.written('supernode', 'FL_TLS_ENABLED', undefined),
      right: (t) => t.written('supernode', 'ONEAPP_FL_TLS_ENABLED', '$FL_TLS_ENABLED'),
    },
  ],
  input_not_mapped: [
    {
      what: 'nowhere in the contents',
      formats: [6],
      wrong: (t) =>
        t.service({ custom_attrs: { ...(t.body['custom_attrs'] as object), MY_SITE: 'O|text|Site||' } }),
      right: (t) => t.input('supernode', 'MY_SITE', 'O|text|Site||'),
    },
    {
      what: 'not in the role that reads it',
      formats: [6],
      wrong: (t) => t.written('supernode', 'FL_NODE_CONFIG', undefined),
      right: (t) => t.written('supernode', 'ONEAPP_FL_NODE_CONFIG', '$FL_NODE_CONFIG'),
    },
    {
      what: 'at a role, not in its contents',
      formats: [6],
      wrong: (t) => t.inRole('supernode', { custom_attrs: { MY_SITE: 'O|text|Site||' } }),
      right: (t) => t.roleInput('supernode', 'MY_SITE', 'O|text|Site||'),
    },
    {
      what: 'of which no role reads the variable',
      topology: 'coordinator',
      formats: [6],
      wrong: (t) =>
        t.service({
          custom_attrs: { ...(t.body['custom_attrs'] as object), FL_NODE_CONFIG: 'O|text|Node config||' },
        }),
      right: (t) => t.input('superlink', 'FL_NODE_CONFIG', 'O|text|Node config||'),
    },
  ],
  schema: [
    {
      what: 'roles that are not a list',
      wrong: (t) => t.service({ roles: {} }),
      right: (t) => t.service({ note: 'x' }),
    },
    {
      what: 'a role that is not an object',
      wrong: (t) => t.service({ roles: [...t.roles, 'supernode'] }),
      right: (t) => t.inRole('supernode', { note: 'x' }),
    },
  ],
  contents_syntax: [
    {
      what: 'a missing comma',
      formats: [6],
      wrong: (t) => append(t, 'NIC=[ NETWORK="a"\n  NETWORK_UNAME="b" ]\n'),
      right: (t) => append(t, 'NIC=[ NETWORK="a", # [1]\n  NETWORK_UNAME="b" ]\n'),
    },
    {
      what: 'a comma before the end',
      formats: [6],
      wrong: (t) => append(t, 'NIC=[ NETWORK="a", ]\n'),
      right: (t) => append(t, '# NIC=[ NETWORK="a", ]\n'),
    },
  ],
  context_shape: [
    {
      what: 'a list, as OpenNebula 7 makes of a block',
      formats: [7],
      wrong: (t) => t.inRole('superlink', { template_contents: { CONTEXT: [{ NETWORK: 'YES' }] } }),
      right: (t) => t.inRole('superlink', { template_contents: { CONTEXT: { NETWORK: 'YES' } } }),
    },
    {
      what: 'a text',
      formats: [7],
      wrong: (t) => t.inRole('superlink', { template_contents: { CONTEXT: '[' } }),
      right: (t) => t.inRole('superlink', { template_contents: {} }),
    },
    {
      what: 'a text',
      formats: [6],
      wrong: (t) => t.written('superlink', 'CONTEXT', 'NETWORK=YES'),
      right: (t) => t.written('superlink', 'MY_CONTEXT', 'NETWORK=YES'),
    },
  ],
  nic_shape: [
    {
      what: 'an object',
      formats: [7],
      wrong: (t) => t.inRole('supernode', { template_contents: { NIC: { NETWORK_ID: '$Private' } } }),
      right: (t) => t.inRole('supernode', { template_contents: { NIC: [{ NETWORK_ID: '$Private' }] } }),
    },
  ],
  context_block: [
    {
      what: 'with APPEND',
      formats: [6],
      wrong: (t) => append(t, 'APPEND="CONTEXT"\nCONTEXT=[ NETWORK="YES", FL_DATABASE="a" ]\n'),
      right: (t) => append(t, '# CONTEXT=[ NETWORK="YES" ]\n'),
    },
  ],
  value_changed: [
    {
      what: 'several lines in the CONTEXT',
      formats: [7],
      wrong: (t) => t.written('superlink', 'START_SCRIPT', '#!/bin/bash\necho $HOME\n'),
      right: (t) => t.written('superlink', 'START_SCRIPT', 'echo $HOME'),
    },
    {
      what: 'several lines',
      formats: [6],
      wrong: (t) => t.written('superlink', 'MY_TEXT', 'one\ntwo'),
      right: (t) => t.written('superlink', 'MY_TEXT', 'one two'),
    },
    {
      what: 'quotes',
      formats: [6],
      wrong: (t) =>
        t
          .input('supernode', 'FL_NODE_CONFIG', undefined)
          .written('supernode', 'FL_NODE_CONFIG', 'site=\\"a b\\"'),
      right: (t) =>
        t
          .input('supernode', 'FL_NODE_CONFIG', undefined)
          .written('supernode', 'FL_NODE_CONFIG', "site='a b'"),
    },
    {
      what: 'a variable of the shell',
      wrong: (t) => t.written('supernode', 'START_SCRIPT', 'echo ${HOME}'),
      right: (t) => t.written('supernode', 'MY_TEXT', '${superlink.TEMPLATE.CONTEXT.ETH0_IP}'),
    },
  ],
  context_unused: [
    {
      what: 'another value than that of the input',
      formats: [7],
      wrong: (t) => t.written('superlink', 'FL_NUM_ROUNDS', '50'),
      right: (t) => t.written('superlink', 'FL_NUM_ROUNDS', '$FL_NUM_ROUNDS'),
    },
  ],
  reference_undefined: [
    {
      what: 'to a name that is not asked for',
      wrong: (t) =>
        t.input('superlink', 'FL_DATABASE', undefined).written('superlink', 'FL_DATABASE', '$FL_DB'),
      right: (t) => t.written('superlink', 'MY_KEY', '$MY_KEY'),
    },
  ],
  cyclic_parents: [
    {
      what: 'two that wait for each other',
      wrong: (t) => t.inRole('superlink', { parents: ['supernode'] }),
      right: (t) => t.inRole('superlink', { parents: null }),
    },
    {
      what: 'a parent that does not exist',
      wrong: (t) => t.inRole('supernode', { parents: ['superlink', 'database'] }),
      right: (t) => t.inRole('supernode', { parents: ['superlink'] }),
    },
    {
      what: 'three in a circle',
      wrong: (t) => t.again('supernode', 'third').inRole('superlink', { parents: ['third'] }),
      right: (t) => t.again('supernode', 'third'),
    },
  ],
  expression_never: [
    {
      what: 'READY',
      wrong: (t) =>
        t.inRole('supernode', { elasticity_policies: [{ ...CPU_POLICY[0], expression: 'READY = YES' }] }),
      right: (t) => t.inRole('supernode', { elasticity_policies: CPU_POLICY }),
    },
    {
      what: 'an attribute of the agent in quotes, in small letters',
      wrong: (t) =>
        t.inRole('supernode', {
          elasticity_policies: [{ ...CPU_POLICY[0], expression: 'CPU > 3 & "fl_node_ready" = 1' }],
        }),
      right: (t) =>
        t.inRole('supernode', {
          elasticity_policies: [{ ...CPU_POLICY[0], expression: 'FL_PARTITION_ID > 3' }],
        }),
    },
  ],
  input_form: [
    ...[
      ['one part', 'Bonn', 'O|text|Site||Bonn'],
      ['four parts', 'O|text|Site|Bonn', 'M|text|Site'],
      ['six parts', 'O|text|Site||Bonn|x', ' M | text | Site | | Bonn '],
      ['an unknown type', 'O|choice|Site|a,b|a', '0|list|Site|a,b|a'],
      ['several choices', 'O|list-multiple|Site|a,b|a', 'O|range|Site|1..3|1'],
      ['a text64 of three parts', 'O|text64|Site', 'O|text64|Site||'],
      ['a boolean of three parts', 'M|boolean|Site', '0|boolean|Site||NO'],
      ['a number without a preset', 'O|number|Site||', 'M|number|Site||'],
    ].map(([what, wrong, right]) => ({
      what: what!,
      wrong: (t: Template) => t.input('service', 'MY_SITE', wrong),
      right: (t: Template) => t.input('service', 'MY_SITE', right),
    })),
  ],
};

/** Another value in each role: it is no input. */
const keepalive = (t: Template, seconds: string): Template =>
  t
    .input('service', 'FL_GRPC_KEEPALIVE_TIME', undefined)
    .written('supernode', 'FL_GRPC_KEEPALIVE_TIME', seconds);

const append = (t: Template, text: string): Template =>
  t.inRole('supernode', { vm_template_contents: `${t.role('supernode')['vm_template_contents']}${text}` });
