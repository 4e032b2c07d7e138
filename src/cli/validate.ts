import { allAddresses } from '../boot/addresses.ts';
import { operatorCertificates } from '../boot/operator.ts';
import { namesFromContext } from '../context/host-names.ts';
import { nicsFrom } from '../context/nics.ts';
import { profileFor } from '../flower/profiles/index.ts';
import { hostName, type Machine } from '../host/machine.ts';
import { print } from '../host/output.ts';
import { type BootConfig, type Finding, type ImageFacts, parseVariables } from '../params/parse.ts';
import { Problem } from '../status/problem.ts';
import { readCa } from '../tls/ca.ts';
import { type Command, EXIT } from './command.ts';
import { imageFacts, readVariables } from './context-source.ts';

export const ROLE_OPTION = {
  description: 'the role it is for; on a VM the image knows',
  value: 'ROLE',
  choices: ['superlink', 'supernode'],
} as const;

export const validate: Command = {
  name: 'validate',
  summary: 'checks a CONTEXT and tells everything that is wrong with it at once',
  args: ['[FILE]'],
  options: { role: ROLE_OPTION, json: { description: 'the findings as a JSON list' } },
  text: 'FILE is a context.sh, the CONTEXT block of a template, or KEY=VALUE lines; without it, what one-context left here.\nRuns anywhere: no root, no OpenNebula.',
  examples: [
    ['flower-context validate context.sh --role superlink', 'before a VM is started'],
    ['flower-context validate', 'on the VM'],
  ],
  async run({ machine, args, value, flag }) {
    const { findings } = check(machine, readVariables(machine, args[0]), imageFacts(machine, value('role')));
    const errors = findings.filter(({ severity }) => severity === 'error');
    if (flag('json')) print(`${JSON.stringify(findings, null, 2)}\n`);
    else
      print(
        findings.length === 0 ? 'nothing to complain about\n' : `${findings.flatMap(describe).join('\n')}\n`,
      );
    return errors.length === 0 ? EXIT.good : EXIT.badContext;
  },
};

export interface Checked {
  readonly findings: readonly (Finding & { remedy?: string })[];
  /** Undefined when there are errors. */
  readonly config: BootConfig | undefined;
}

/** Everything the boot's validate step checks, and what later steps would find in the variables alone. */
export function check(machine: Machine, raw: Readonly<Record<string, string>>, image: ImageFacts): Checked {
  const parsed = parseVariables(raw, image);
  if (!parsed.ok) return { findings: [...parsed.problems, ...parsed.warnings], config: undefined };
  const { config } = parsed;
  const now = machine.clock.now();
  const found: Finding[] = [];
  const attempt = (what: () => unknown): void => {
    try {
      what();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      found.push(...error.all.map(asFinding));
    }
  };
  attempt(() => profileFor(config.FLOWER_VERSION));
  if (config.role === 'superlink') {
    const addresses = allAddresses(nicsFrom(raw, machine.host), []);
    const named = namesFromContext(raw);
    const hostNames = named.length > 0 ? named : [hostName()];
    attempt(() => operatorCertificates(config, { addresses, hostNames }, now));
  } else if (config.FL_SSL_CA_CERTFILE !== undefined) {
    const pem = config.FL_SSL_CA_CERTFILE;
    attempt(() => readCa(pem, { variable: 'FL_SSL_CA_CERTFILE', now }));
  }
  return { findings: [...found, ...parsed.warnings], config: found.length === 0 ? config : undefined };
}

const asFinding = ({ facts, code }: Problem): Finding & { remedy?: string } => ({
  variable: facts.variable ?? code,
  severity: 'error',
  found: facts.found,
  expected: facts.expected ?? '',
  ...(facts.example === undefined ? {} : { example: facts.example }),
  ...(facts.remedy === undefined ? {} : { remedy: facts.remedy }),
});

export const describe = ({
  severity,
  variable,
  found,
  expected,
  example,
  remedy,
}: Finding & { remedy?: string }): string[] => [
  `${severity}: ${variable}: ${found}`,
  ...(expected === '' ? [] : [`  expected: ${expected}`]),
  ...(example === undefined ? [] : [`  for example: ${variable}='${example}'`]),
  ...(remedy === undefined ? [] : [`  what to do: ${remedy}`]),
];
