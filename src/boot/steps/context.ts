import { journalSettings } from '../../config/journal-settings.ts';
import type { BootConfig } from '../../config/parse.ts';
import { problemOf } from '../../core/finding.ts';
import { attempt, joinProblems, Problem } from '../../core/problem.ts';
import { ROLE_TITLE, type Role } from '../../core/role.ts';
import { imageOf } from '../../flower/environment.ts';
import { connectOneGate, type OneGate } from '../../onegate/client.ts';
import type { OneGateCredentials } from '../../vm/credentials.ts';
import { loadVm } from '../../vm/load.ts';
import { nicsFrom } from '../../vm/nics.ts';
import { allAddresses, hostNamesOf } from '../addresses.ts';
import { checkContext } from '../checks.ts';
import {
  type CommonOutputs,
  type StepResult,
  type StepTools,
  type SuperLinkOutputs,
  type SuperNodeOutputs,
  stepOf,
} from '../step.ts';

/** Reads what one-context left. */
export const readContext = stepOf<CommonOutputs>()({
  id: 'read_context',
  title: 'read the CONTEXT',
  needs: [],
  async run(_, tools) {
    const { machine, checkpoint, journal, warn } = tools;
    const { context, contextSha256, credentials } = loadVm(machine);
    if (!(context instanceof Problem)) journal.configure(journalSettings(context.variables));
    const damage = checkpoint.takeDamage();
    if (damage !== undefined) warn(damage);
    // Also of a damaged file: the agent notices its correction by it.
    if (contextSha256 !== undefined) {
      tools.contextRead(contextSha256);
      tools.setFacts({ context: contextSha256 });
    }
    if (context instanceof Problem) throw context;
    if (credentials instanceof Problem) throw credentials;
    const { path, sha256, variables } = context;
    const addresses = allAddresses(nicsFrom(variables, machine.host), machine.host.addresses());
    // Connected also when other variables are wrong: the error is published there. `validate` reports what cannot be used.
    const access = 'missing' in credentials ? undefined : credentials;
    const oneGate = access && connect(access, tools);
    const hostNames = await hostNamesOf(variables, addresses);
    // The checksum is known only here, so the step records itself.
    const inputs = { context: sha256 };
    if (!checkpoint.has('read_context', inputs))
      checkpoint.record('read_context', inputs, machine.clock.now());
    const suffix = 'missing' in credentials ? `, no OneGate (${credentials.why})` : '';
    return {
      output: { variables, sha256, addresses, hostNames, access, oneGate },
      note: `${Object.keys(variables).length} variables from ${path.slice(path.lastIndexOf('/') + 1)}${suffix}`,
    };
  },
});

/**
 * Undefined when the credentials cannot be used. Also for a boot that fails before this step has an output: the failure is
 * published there.
 */
export function connect(
  credentials: OneGateCredentials,
  { machine, journal }: Pick<StepTools, 'machine' | 'journal'>,
): OneGate | undefined {
  const oneGate = attempt(() =>
    connectOneGate({
      ...credentials,
      clock: machine.clock,
      random: machine.random,
      onRetry: ({ doing, why, attempt, tries, waitMs }) =>
        journal.info(
          `OneGate: ${doing}: ${why}; try ${attempt + 1} of ${tries} in ${(waitMs / 1000).toFixed(1)} s`,
        ),
    }),
  );
  return oneGate instanceof Problem ? undefined : oneGate;
}

type Needed = Pick<CommonOutputs, 'read_context'>;

/** The raw strings become a configuration of the role, or all problems are reported at once. */
const validateAs = <R extends Role>(role: R) => ({
  id: 'validate' as const,
  title: 'validate the variables',
  needs: ['read_context'] as const,
  inputs: ({ read_context }: Needed, { image }: Pick<StepTools, 'image'>): unknown => ({
    context: read_context.sha256,
    image,
  }),
  async run(outputs: Needed, tools: StepTools) {
    const { output, ...result } = validate(outputs, tools);
    if (!hasRole(output, role)) throw new Error(`the image is not that of a ${ROLE_TITLE[role]}`);
    return { output, ...result };
  },
});

const hasRole = <R extends Role>(config: BootConfig, role: R): config is Extract<BootConfig, { role: R }> =>
  config.role === role;

export const validateSuperLink = stepOf<SuperLinkOutputs>()(validateAs('superlink'));
export const validateSuperNode = stepOf<SuperNodeOutputs>()(validateAs('supernode'));

function validate(
  { read_context: { variables, addresses, hostNames, access } }: Needed,
  { machine, image, unchanged, warn }: StepTools,
): StepResult<BootConfig> {
  const { config, errors, warnings, problems } = checkContext(variables, {
    image: imageOf(image, machine.paths),
    now: machine.clock.now(),
    addresses,
    hostNames,
    token: access?.token,
  });
  const warned = problemOf(warnings, 'reading');
  if (warned !== undefined) warn(warned);
  // A CA may only seem invalid until the clock is set. The step `trust` reports it, and that failure is retried.
  const fatal = problems
    .filter(({ severity, code }) => severity === 'fatal' && code !== 'ca_invalid')
    .map(({ code, facts }) => new Problem(code, { ...facts, contextAtFault: true }));
  const [first, ...rest] = [problemOf(errors, 'reading') ?? [], fatal].flat();
  if (first !== undefined) throw joinProblems([first, ...rest]);
  if (config === undefined) throw new Error('no configuration, and no problem');
  const count = warnings.length;
  return {
    output: config,
    kept: unchanged,
    ...(count === 0 ? {} : { note: `${count} ${count === 1 ? 'warning' : 'warnings'}` }),
  };
}
