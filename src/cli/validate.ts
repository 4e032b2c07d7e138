import { join } from 'node:path';
import { allAddresses } from '../boot/addresses.ts';
import { operatorCertificates } from '../boot/operator.ts';
import {
  type BootConfig,
  type Finding,
  type ImageFacts,
  parseVariables,
  type SuperNodeConfig,
} from '../config/parse.ts';
import { ALIAS_PREFIX } from '../config/table.ts';
import { EXIT } from '../core/exit.ts';
import { findingsOf } from '../core/finding.ts';
import { Problem } from '../core/problem.ts';
import { profileFor } from '../flower/profiles/index.ts';
import { exists } from '../host/files.ts';
import { hostName, type Machine } from '../host/machine.ts';
import { print } from '../host/output.ts';
import { readCa } from '../tls/ca.ts';
import { trustDecision } from '../tls/trust.ts';
import { knownVariables, type VariableFile } from '../vm/context-file.ts';
import { namesFromContext } from '../vm/host-names.ts';
import { nicsFrom } from '../vm/nics.ts';
import { platformFindings } from '../vm/platform.ts';
import type { Command } from './command.ts';
import { FILE_TEXT, imageFacts, readVariables } from './context-source.ts';

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
  text: `${FILE_TEXT}
Runs anywhere: no root, no OpenNebula.`,
  examples: [
    ['flower-context validate context.sh --role superlink', 'before a VM is started'],
    ['flower-context validate', 'on the VM'],
    ['onevm show --json 42 | flower-context validate --role supernode -', 'a VM that runs already'],
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
  readonly findings: readonly Finding[];
  /** Undefined when there are errors. */
  readonly config: BootConfig | undefined;
}

/** Everything the boot's validate step checks, and what later steps would find in the variables alone. */
export function check(machine: Machine, file: VariableFile, image: ImageFacts): Checked {
  const raw = knownVariables(file);
  const parsed = parseVariables(raw, image, file.open);
  const platform = platformFindings(file.variables, programsOf(machine));
  if (!parsed.ok)
    return { findings: [...parsed.problems, ...parsed.warnings, ...platform], config: undefined };
  const { config } = parsed;
  const now = machine.clock.now();
  const found: Finding[] = [];
  const attempt = (what: () => unknown): void => {
    try {
      what();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      found.push(...findingsOf(error));
    }
  };
  attempt(() => profileFor(config.FLOWER_VERSION));
  if (config.role === 'superlink') {
    const addresses = allAddresses(nicsFrom(raw, machine.host), []);
    const named = namesFromContext(raw);
    const hostNames = named.length > 0 ? named : [hostName()];
    attempt(() => operatorCertificates(config, { addresses, hostNames }, now));
  } else attempt(() => checkTrust(config, file.open, now));
  return {
    findings: [...found, ...parsed.warnings, ...platform],
    config: found.length === 0 ? config : undefined,
  };
}

/**
 * Whom the SuperNode trusts, as its boot decides it. With an address the variables decide alone; else the SuperLink is
 * asked, and only a CA that is given can be read here.
 */
function checkTrust(config: SuperNodeConfig, open: ReadonlySet<string>, now: Date): void {
  const { FL_TLS_ENABLED: tlsEnabled, FL_SSL_CA_CERTFILE: pem, FL_SUPERLINK_ADDRESS: address } = config;
  const decided = ['FL_SUPERLINK_ADDRESS', 'FL_TLS_ENABLED', 'FL_SSL_CA_CERTFILE'].every(
    (name) => !open.has(name) && !open.has(ALIAS_PREFIX + name),
  );
  if (address !== undefined && decided)
    trustDecision({ tlsEnabled, mode: 'static', now, ...(pem === undefined ? {} : { pinnedCaPem: pem }) });
  else if (pem !== undefined && tlsEnabled !== false) readCa(pem, { variable: 'FL_SSL_CA_CERTFILE', now });
}

/** Only where the appliance is installed can a program be missing. */
const programsOf = ({ paths }: Machine): ((path: string) => boolean) =>
  exists(paths.appliance) ? (path) => exists(join(paths.root, path)) : () => true;

export const describe = ({ severity, variable, found, expected, example, remedy }: Finding): string[] => [
  `${severity}: ${variable}: ${found}`,
  ...(expected === undefined ? [] : [`  expected: ${expected}`]),
  ...(example === undefined ? [] : [`  for example: ${variable}='${example}'`]),
  ...(remedy === undefined ? [] : [`  what to do: ${remedy}`]),
];
