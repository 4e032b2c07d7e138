import { profileFor } from '../flower/profiles/index.ts';
import { print, printError } from '../host/output.ts';
import { lint } from '../lint/lint.ts';
import { type Form, formatTemplate } from '../params/surfaces/oneflow.ts';
import { type Count, SITE_NAMES, SITES, type Site } from '../params/surfaces/site.ts';
import { checkSettings, type Setting } from '../params/surfaces/wishes.ts';
import { describeProblem } from '../status/journal.ts';
import { type Command, EXIT, type Invocation, UsageError } from './command.ts';
import { describeLint, problemOf } from './findings.ts';

export const template: Command = {
  name: 'template',
  summary: 'prints a OneFlow service template, ready for `oneflow-template create`',
  args: [SITE_NAMES.join('|')],
  options: {
    one: { description: 'the OpenNebula it is for (default: 7)', value: '6|7', choices: ['6', '7'] },
    'superlink-template': { description: 'id of the SuperLink VM template (default: 0)', value: 'ID' },
    'supernode-template': { description: 'id of the SuperNode VM template (default: 1)', value: 'ID' },
    supernodes: {
      description: 'how many SuperNodes: N to begin with and at least, or MIN..MAX (default: 2..10)',
      value: 'N|MIN..MAX',
    },
    set: {
      description: 'what the form is filled in with, instead of the default; may be given several times',
      value: 'VAR=VALUE',
      multiple: true,
    },
    network: {
      description:
        "the VMs' virtual network: a name of your own, or an id (default: that of the VM template)",
      value: 'NAME',
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
    ['flower-context template training-site --one 6 --supernodes 3 --network training', 'for OpenNebula 6'],
  ],
  async run(invocation) {
    const site = siteOf(invocation.args[0]!);
    const form: Form = invocation.value('one') === '6' ? 6 : 7;
    const { roles } = SITES[site];
    const templates = {
      superlink: idOf(invocation, 'superlink-template', roles.includes('superlink'), 0),
      supernode: idOf(invocation, 'supernode-template', roles.includes('supernode'), 1),
    };
    const supernodes = countOf(invocation.value('supernodes'), site);
    const network = invocation.value('network');
    if (network !== undefined && /["\\\n$|]/.test(network))
      throw new UsageError(`--network: '${network}' is no name of a network`);

    const { values, problems, warnings } = checkSettings(invocation.values('set').map(settingOf), site, form);
    const wrong = problemOf(problems, 'setting', REMEDY);
    if (wrong !== undefined) throw wrong;
    const version = values.get('FLOWER_VERSION');
    if (version !== undefined) profileFor(version);
    const suspicious = problemOf(warnings, 'setting', REMEDY);
    if (suspicious !== undefined) printError(`${suspicious.all.flatMap(describeProblem).join('\n')}\n`);

    const text = formatTemplate({ site, form, templates, supernodes, values, network });
    const findings = lint(text, site).findings.filter(({ code }) => code !== 'preset_suspicious');
    for (const finding of findings) printError(describeLint('template', finding));
    if (findings.some(({ severity }) => severity === 'error')) return EXIT.failed;
    const missing = roles
      .map((role) => `${role}-template`)
      .filter((option) => invocation.value(option) === undefined);
    if (missing.length > 0)
      printError(
        `note: ids of VM templates are stand-ins here; name yours with ${missing.map((option) => `--${option}`).join(' and ')}\n`,
      );
    print(text);
    return EXIT.good;
  },
};

const REMEDY = 'correct that --set option';

function siteOf(text: string): Site {
  const site = SITE_NAMES.find((name) => name === text);
  if (site === undefined)
    throw new UsageError(`there is no kind of template '${text}': ${SITE_NAMES.join(', ')}`);
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

function countOf(text: string | undefined, site: Site): Count {
  const standard = SITES[site].supernodes;
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

function settingOf(text: string): Setting {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--set takes VAR=VALUE, not '${text}'`);
  return [text.slice(0, at), text.slice(at + 1)];
}
