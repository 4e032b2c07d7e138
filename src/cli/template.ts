import { operatorCertificates } from '../boot/checks.ts';
import type { BootConfig } from '../config/config.ts';
import { EXIT } from '../core/exit.ts';
import { problemOf } from '../core/finding.ts';
import { profileFor } from '../flower/profiles.ts';
import { print } from '../host/output.ts';
import { lint } from '../templates/lint/lint.ts';
import { answers, formatTemplate, type OneFlowVersion } from '../templates/oneflow.ts';
import { checkSettings, type TemplateSetting } from '../templates/template-settings.ts';
import { type Count, inputsOf, TOPOLOGIES, TOPOLOGY_NAMES, type Topology } from '../templates/topology.ts';
import { readCa } from '../tls/ca.ts';
import { defineCommand, type Invocation, printProblem, UsageError } from './command.ts';
import { printLint } from './findings.ts';
import { printErrorText, printJson } from './terminal.ts';

export const template = defineCommand({
  name: 'template',
  summary: 'Print a OneFlow service template for `oneflow-template create`',
  args: [TOPOLOGY_NAMES.join('|')],
  options: {
    one: {
      description:
        'format: 6 for OpenNebula 6.8 to 7 (default), 7 for OpenNebula 7 only, with inputs at the roles, which Sunstone does not show',
      value: '6|7',
      choices: ['6', '7'],
    },
    'all-inputs': {
      description: 'add an input for every variable, not only for those of a first deployment',
    },
    answers: {
      description:
        'print a value for every input instead: the file for `oneflow-template instantiate ID FILE`, scripts and Terraform',
    },
    'superlink-template': { description: 'id of the SuperLink VM template (default: 0)', value: 'ID' },
    'supernode-template': { description: 'id of the SuperNode VM template (default: 1)', value: 'ID' },
    supernodes: {
      description: 'number of SuperNodes: N at the start and at least, or MIN..MAX (default: 2..10)',
      value: 'N|MIN..MAX',
    },
    set: {
      description:
        'value of a variable: the preset of its input, or a fixed value where the form has no such input (repeatable)',
      value: 'VAR=VALUE',
      multiple: true,
    },
    network: {
      description:
        'virtual network of the VMs: ID, OWNER/NAME, or NAME (default: that of the VM template). A NAME alone belongs to the user who starts the service',
      value: 'ID|[OWNER/]NAME',
    },
  },
  text: [
    'single-site: a SuperLink and its SuperNodes in one zone. coordinator: a SuperLink for SuperNodes of other zones. training-site: SuperNodes for a SuperLink in another zone.',
    'The command checks the values as the agent does and reports all errors at once. It also checks the template with `flower-context lint` before it prints it.',
  ].join('\n\n'),
  examples: [
    [
      'flower-context template single-site --superlink-template 12 --supernode-template 13 > federation.json',
      'Write a template; then `oneflow-template create federation.json`',
    ],
    [
      'flower-context template single-site --supernodes 4..20 --set FL_STRATEGY=FedProx --set FL_NUM_ROUNDS=20',
      'Change the presets of the form',
    ],
    [
      'flower-context template coordinator --set FL_CERT_EXTRA_SAN=DNS:superlink.example.org',
      'A SuperLink with a DNS name for other zones',
    ],
    [
      'flower-context template training-site --set FL_SUPERLINK_ADDRESS=superlink.example.org:9092 --network oneadmin/training',
      'SuperNodes in another zone, on a network of oneadmin',
    ],
    [
      'flower-context template single-site --set FL_NUM_ROUNDS=20 --answers > answers.json',
      'Write the answers; then `oneflow-template instantiate ID answers.json`',
    ],
  ],
  async run(invocation) {
    const kind = invocation.args[0]!;
    const topology = TOPOLOGY_NAMES.find((name) => name === kind);
    if (topology === undefined)
      throw new UsageError(`unknown kind of template '${kind}': ${TOPOLOGY_NAMES.join(', ')}`);
    const format: OneFlowVersion = invocation.value('one') === '7' ? 7 : 6;
    const all = invocation.flag('all-inputs');
    const { roles } = TOPOLOGIES[topology];
    const templates = {
      superlink: idOf(invocation, 'superlink-template', roles.includes('superlink'), 0),
      supernode: idOf(invocation, 'supernode-template', roles.includes('supernode'), 1),
    };
    const supernodes = countOf(invocation.value('supernodes'), topology);
    const network = invocation.value('network');
    if (network !== undefined && !/^[^/"\\\n$|,[\]=]+(\/[^/"\\\n$|,[\]=]+)?$/.test(network))
      throw new UsageError(`--network takes an id, NAME or OWNER/NAME, not '${network}'`);

    const { values, configs, problems, warnings } = checkSettings(invocation.values('set').map(settingOf), {
      topology,
      format,
      all,
    });
    const wrong = problemOf(problems, 'setting', REMEDY);
    if (wrong !== undefined) throw wrong;
    const version = values.get('FLOWER_VERSION');
    if (version !== undefined) profileFor(version);
    for (const config of configs) checkCertificates(config, invocation.machine.clock.now());
    const suspicious = problemOf(warnings, 'setting', REMEDY);
    if (suspicious !== undefined) printProblem(suspicious);

    const options = { topology, format, all, templates, supernodes, values, network };
    if (invocation.flag('answers')) {
      const asked = inputsOf(topology, all);
      const fixed = [...values.keys()].filter((name) => !asked.includes(name));
      if (fixed.length > 0)
        throw new UsageError(
          `--answers: the form has no input ${fixed.join(', ')}; add --all-inputs here and to the template, or set it in the template only`,
        );
      const open = TOPOLOGIES[topology].mandatory.filter((name) => !values.has(name));
      if (open.length > 0) printErrorText(`note: fill in ${open.join(' and ')}: no VM boots without them`);
      printJson(answers(options));
      return EXIT.ok;
    }
    const text = formatTemplate(options);
    const findings = lint(text, topology).findings.filter(({ code }) => code !== 'preset_suspicious');
    for (const finding of findings) printLint('template', finding, 'stderr');
    // For lint too few SuperNodes are a warning where the role can grow; a new template can have enough from the start.
    if (findings.some(({ severity, code }) => severity === 'error' || code === 'too_few_supernodes')) {
      printErrorText('no template printed; set other values with --set, or counts with --supernodes');
      return EXIT.failed;
    }
    const missing = roles
      .map((role) => `${role}-template` as const)
      .filter((option) => invocation.value(option) === undefined);
    if (missing.length > 0)
      printErrorText(
        `note: placeholder VM template IDs used; set ${missing.map((option) => `--${option}`).join(' and ')}`,
      );
    print(text);
    return EXIT.ok;
  },
});

const REMEDY = 'correct that --set option, or add one for this variable';

/** Checks certificates without a VM: everything except whether they name its address. */
function checkCertificates(config: BootConfig, now: Date): void {
  if (config.role === 'superlink') operatorCertificates(config, { addresses: [], hostNames: [], now });
  else if (config.FL_SSL_CA_CERTFILE !== undefined)
    readCa(config.FL_SSL_CA_CERTFILE, { variable: 'FL_SSL_CA_CERTFILE', now });
}

function idOf(
  invocation: Invocation,
  option: `super${'link' | 'node'}-template`,
  has: boolean,
  standard: number,
): number {
  const text = invocation.value(option);
  if (text === undefined) return standard;
  if (!has) throw new UsageError(`--${option}: a ${invocation.args[0]} template has no such role`);
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`--${option} takes the id of a VM template (a number), not '${text}'`);
  return Number(text);
}

const MOST_VMS = 10_000;

function countOf(text: string | undefined, topology: Topology): Count {
  const standard = TOPOLOGIES[topology].supernodes;
  if (text === undefined) return standard;
  if (standard.max === 0) throw new UsageError(`--supernodes: a ${topology} template has no SuperNodes`);
  const [, low, high] = /^(\d{1,5})(?:\.\.(\d{1,5}))?$/.exec(text) ?? [];
  const min = Number(low);
  const max = high === undefined ? Math.max(min, standard.max) : Number(high);
  if (low === undefined || min < 1 || max < min || max > MOST_VMS)
    throw new UsageError(
      `--supernodes takes N or MIN..MAX with 1 <= MIN <= MAX <= ${MOST_VMS}, not '${text}'`,
    );
  return { cardinality: min, min, max };
}

function settingOf(text: string): TemplateSetting {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--set takes VAR=VALUE, not '${text}'`);
  return [text.slice(0, at), text.slice(at + 1)];
}
