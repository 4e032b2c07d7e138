import type { BootConfig } from '../../config/parse.ts';
import { problemOf } from '../../core/finding.ts';
import { joinProblems, Problem } from '../../core/problem.ts';
import { imageOf } from '../../flower/environment.ts';
import type { Machine } from '../../host/machine.ts';
import { connectOneGate, type OneGate } from '../../onegate/client.ts';
import type { Journal } from '../../report/journal.ts';
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
    const { machine, checkpoint } = tools;
    const { context, contextSha256, credentials } = loadVm(machine);
    // Also of a damaged file: the agent notices its correction by it.
    if (contextSha256 !== undefined) {
      tools.contextRead(contextSha256);
      tools.setFacts({ context: contextSha256 });
    }
    if (context instanceof Problem) throw context;
    if (credentials instanceof Problem) throw credentials;
    const { path, sha256, variables } = context;
    const addresses = allAddresses(nicsFrom(variables, machine.host), machine.host.addresses());
    // Connected also when other variables are wrong: the error is published there.
    const oneGate = 'missing' in credentials ? undefined : connect(credentials, tools);
    const hostNames = await hostNamesOf(variables, addresses);
    // The checksum is known only here, so the step records itself.
    const inputs = { context: sha256 };
    if (!checkpoint.has('read_context', inputs))
      checkpoint.record('read_context', inputs, machine.clock.now());
    const suffix = 'missing' in credentials ? `, no OneGate (${credentials.why})` : '';
    return {
      output: { variables, sha256, addresses, hostNames, oneGate },
      note: `${Object.keys(variables).length} variables from ${path.slice(path.lastIndexOf('/') + 1)}${suffix}`,
    };
  },
});

/** Also for a boot that fails before this step has an output: the failure is published there. */
export const connect = (
  credentials: OneGateCredentials,
  { machine, journal }: { readonly machine: Machine; readonly journal: Journal },
): OneGate =>
  connectOneGate({
    ...credentials,
    clock: machine.clock,
    random: machine.random,
    onRetry: ({ doing, why, attempt, tries, waitMs }) =>
      journal.info(
        `OneGate: ${doing}: ${why}; try ${attempt + 1} of ${tries} in ${(waitMs / 1000).toFixed(1)} s`,
      ),
  });

const VALIDATE = {
  id: 'validate',
  title: 'validate the variables',
  needs: ['read_context'],
  inputs: (
    { read_context }: Pick<CommonOutputs, 'read_context'>,
    { image }: Pick<StepTools, 'image'>,
  ): unknown => ({ context: read_context.sha256, image }),
} as const;

/** The raw strings become a configuration, or all problems are reported at once. */
export const validateSuperLink = stepOf<SuperLinkOutputs>()({
  ...VALIDATE,
  async run(outputs, tools) {
    const { output, ...result } = validate(outputs, tools);
    if (output.role !== 'superlink') throw new Error('the image is not that of a SuperLink');
    return { output, ...result };
  },
});

export const validateSuperNode = stepOf<SuperNodeOutputs>()({
  ...VALIDATE,
  async run(outputs, tools) {
    const { output, ...result } = validate(outputs, tools);
    if (output.role !== 'supernode') throw new Error('the image is not that of a SuperNode');
    return { output, ...result };
  },
});

function validate(
  { read_context: { variables, addresses, hostNames } }: Pick<CommonOutputs, 'read_context'>,
  { machine, image, journal, unchanged, warn }: StepTools,
): StepResult<BootConfig> {
  const { config, errors, warnings, problems } = checkContext(variables, {
    image: imageOf(image, machine.paths),
    now: machine.clock.now(),
    addresses,
    hostNames,
  });
  const warned = problemOf(warnings, 'reading');
  if (warned !== undefined) warn(warned);
  if (config === undefined) throw problemOf(errors, 'reading')!;
  journal.configure({ level: config.FL_LOG_LEVEL, format: config.FL_LOG_FORMAT });
  // A CA may only seem invalid until the clock is set. The step `trust` reports it, and that failure is retried.
  const [first, ...rest] = problems
    .filter(({ severity, code }) => severity === 'fatal' && code !== 'ca_invalid')
    .map(({ code, facts }) => new Problem(code, { ...facts, contextAtFault: true }));
  if (first !== undefined) throw joinProblems([first, ...rest]);
  const count = warnings.length;
  return {
    output: config,
    kept: unchanged,
    ...(count === 0 ? {} : { note: `${count} ${count === 1 ? 'warning' : 'warnings'}` }),
  };
}
