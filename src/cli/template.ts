import { operatorCertificates } from '../boot/checks.ts';
import type { BootConfig } from '../config/config.ts';
import { EXIT } from '../core/exit.ts';
import { problemOf } from '../core/finding.ts';
import { profileFor } from '../flower/profiles.ts';
import { print, printError } from '../host/output.ts';
import { describeProblem } from '../report/journal.ts';
import { lint } from '../templates/lint/lint.ts';
import { answers, formatTemplate, type OneFlowVersion } from '../templates/oneflow.ts';
import { checkSettings, type TemplateSetting } from '../templates/template-settings.ts';
import { type Count, inputsOf, TOPOLOGIES, TOPOLOGY_NAMES, type Topology } from '../templates/topology.ts';
import { readCa } from '../tls/ca.ts';
import { type Command, type Invocation, UsageError } from './command.ts';
import { describeLint } from './findings.ts';

export const template: Command = {
  name: 'template',
  summary: 'prints a OneFlow service template, ready for `oneflow-template create`',
  args: [TOPOLOGY_NAMES.join('|')],
  options: {
    one: {
      description:
        '6: a form that OpenNebula 6.8 to 7 accept (default). 7: with inputs at the roles, which Sunstone does not ask',
      value: '6|7',
      choices: ['6', '7'],
    },
    'all-inputs': { description: 'ask for every variable, not only for those of a first deployment' },
    answers: {
      description:
        'print a value for every input instead: the file of `oneflow-template instantiate ID FILE`, scripts and Terraform',
    },
    'superlink-template': { description: 'id of the SuperLink VM template (default: 0)', value: 'ID' },
    'supernode-template': { description: 'id of the SuperNode VM template (default: 1)', value: 'ID' },
    supernodes: {
      description: 'how many SuperNodes: N to begin with and at least, or MIN..MAX (default: 2..10)',
      value: 'N|MIN..MAX',
    },
    set: {
      description:
        'the value of a variable: what the form is filled in with where it asks, else fixed; may be given several times',
      value: 'VAR=VALUE',
      multiple: true,
    },
    network: {
      description:
        "the VMs' virtual network: its id, OWNER/NAME, or the NAME of one that belongs to whoever starts the service (default: that of the VM template)",
      value: 'ID|[OWNER/]NAME',
    },
  },
  text: 'single-site: a SuperLink and its SuperNodes in one zone. coordinator: a SuperLink for other zones.\ntraining-site: SuperNodes for a SuperLink elsewhere. Values are checked as the agent would check them, all at once,\nand the template is linted before it is printed.',
  examples: [
    [
      'flower-context template single-site --superlink-template 12 --supernode-template 13 > federation.json',
      'then: oneflow-template create federation.json',
    ],
    [
      'flower-context template single-site --supernodes 4..20 --set FL_STRATEGY=FedProx --set FL_NUM_ROUNDS=20',
      'other defaults in the form',
    ],
    [
      'flower-context template coordinator --set FL_CERT_EXTRA_SAN=DNS:superlink.example.org',
      'a SuperLink that other zones reach by name',
    ],
    [
      'flower-context template training-site --set FL_SUPERLINK_ADDRESS=superlink.example.org:9092 --network oneadmin/training',
      'SuperNodes of another zone, on a network of oneadmin',
    ],
    [
      'flower-context template single-site --set FL_NUM_ROUNDS=20 --answers > answers.json',
      'then: oneflow-template instantiate ID answers.json',
    ],
  ],
  async run(invocation) {
    const site = siteOf(invocation.args[0]!);
    const form: OneFlowVersion = invocation.value('one') === '7' ? 7 : 6;
    const all = invocation.flag('all-inputs');
    const { roles } = TOPOLOGIES[site];
    const templates = {
      superlink: idOf(invocation, 'superlink-template', roles.includes('superlink'), 0),
      supernode: idOf(invocation, 'supernode-template', roles.includes('supernode'), 1),
    };
    const supernodes = countOf(invocation.value('supernodes'), site);
    const network = invocation.value('network');
    if (network !== undefined && !/^[^/"\\\n$|,[\]=]+(\/[^/"\\\n$|,[\]=]+)?$/.test(network))
      throw new UsageError(`--network takes an id, NAME or OWNER/NAME, not '${network}'`);

    const { values, configs, problems, warnings } = checkSettings(invocation.values('set').map(settingOf), {
      site,
      form,
      all,
    });
    const wrong = problemOf(problems, 'setting', REMEDY);
    if (wrong !== undefined) throw wrong;
    const version = values.get('FLOWER_VERSION');
    if (version !== undefined) profileFor(version);
    for (const config of configs) checkCertificates(config, invocation.machine.clock.now());
    const suspicious = problemOf(warnings, 'setting', REMEDY);
    if (suspicious !== undefined) printError(`${suspicious.all.flatMap(describeProblem).join('\n')}\n`);

    const wishes = { site, form, all, templates, supernodes, values, network };
    if (invocation.flag('answers')) {
      const asked = inputsOf(site, all);
      const fixed = [...values.keys()].filter((name) => !asked.includes(name));
      if (fixed.length > 0)
        throw new UsageError(
          `--answers: the form does not ask for ${fixed.join(', ')}; add --all-inputs here and to the template, or set it in the template only`,
        );
      const open = TOPOLOGIES[site].mandatory.filter((name) => !values.has(name));
      if (open.length > 0)
        printError(`note: ${open.join(' and ')} have to be filled in: no VM boots without\n`);
      print(`${JSON.stringify(answers(wishes), null, 2)}\n`);
      return EXIT.good;
    }
    const text = formatTemplate(wishes);
    const findings = lint(text, site).findings.filter(({ code }) => code !== 'preset_suspicious');
    for (const finding of findings) printError(describeLint('template', finding));
    // A role that may be scaled later is a warning to lint; who writes a template can just ask for enough of them.
    if (findings.some(({ severity, code }) => severity === 'error' || code === 'too_few_supernodes')) {
      printError(
        'no template was printed; what to do: choose other values with --set, or counts with --supernodes\n',
      );
      return EXIT.failed;
    }
    const missing = roles
      .map((role) => `${role}-template`)
      .filter((option) => invocation.value(option) === undefined);
    if (missing.length > 0)
      printError(
        `note: the ids of the VM templates are only examples; give yours with ${missing.map((option) => `--${option}`).join(' and ')}\n`,
      );
    print(text);
    return EXIT.good;
  },
};

const REMEDY = 'correct that --set option, or add one for this variable';

/** What can be said of certificates before there is a VM: all but whether they name its address. */
function checkCertificates(config: BootConfig, now: Date): void {
  if (config.role === 'superlink') operatorCertificates(config, { addresses: [], hostNames: [], now });
  else if (config.FL_SSL_CA_CERTFILE !== undefined)
    readCa(config.FL_SSL_CA_CERTFILE, { variable: 'FL_SSL_CA_CERTFILE', now });
}

function siteOf(text: string): Topology {
  const site = TOPOLOGY_NAMES.find((name) => name === text);
  if (site === undefined)
    throw new UsageError(`there is no kind of template '${text}': ${TOPOLOGY_NAMES.join(', ')}`);
  return site;
}

function idOf(invocation: Invocation, option: string, has: boolean, standard: number): number {
  const text = invocation.value(option);
  if (text === undefined) return standard;
  if (!has) throw new UsageError(`--${option}: a ${invocation.args[0]} has no such role`);
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`--${option} takes the id of a VM template (a number), not '${text}'`);
  return Number(text);
}

const MOST_VMS = 10_000;

function countOf(text: string | undefined, site: Topology): Count {
  const standard = TOPOLOGIES[site].supernodes;
  if (text === undefined) return standard;
  if (standard.max === 0) throw new UsageError(`--supernodes: a ${site} has none`);
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
