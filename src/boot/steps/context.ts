import { problemOf } from '../../core/finding.ts';
import { joinProblems, Problem } from '../../core/problem.ts';
import { imageOf } from '../../flower/environment.ts';
import { connectOneGate, type OneGate } from '../../onegate/client.ts';
import type { OneGateCredentials } from '../../vm/credentials.ts';
import { loadVm } from '../../vm/load.ts';
import { nicsFrom } from '../../vm/nics.ts';
import { allAddresses, hostNamesOf } from '../addresses.ts';
import { checkContext } from '../checks.ts';
import type { Step, StepResult, StepTools } from '../step.ts';

/** Reads what one-context left. Of one_env only the token is taken (design decision 1). */
export const readContext: Step = {
  id: 'read_context',
  title: 'read the CONTEXT',
  needs: [],
  async run(known, tools) {
    const { context, contextSha256, credentials } = loadVm(tools.machine);
    // Also of a damaged file: the agent notices its correction by it.
    if (contextSha256 !== undefined) {
      known.set('contextHash', contextSha256);
      tools.tell({ context: contextSha256 });
    }
    if (context instanceof Problem) throw context;
    if (credentials instanceof Problem) throw credentials;
    const { path, variables: raw } = context;
    const { host } = tools.machine;
    known.set('raw', raw);
    const addresses = allAddresses(nicsFrom(raw, host), host.addresses());
    known.set('addresses', addresses);
    // Connected also when other variables are wrong: the error is published there.
    known.set('oneGate', 'missing' in credentials ? undefined : connect(credentials, tools));
    known.set('hostNames', await hostNamesOf(raw, addresses));
    // The reading itself depends on nothing that was known before, so the step keeps its own mark.
    const seen = { context: known.get('contextHash') };
    const kept = tools.checkpoint.has('read_context', seen);
    if (!kept) tools.checkpoint.record('read_context', seen, tools.machine.clock.now());
    const without = 'missing' in credentials ? `, no OneGate (${credentials.why})` : '';
    return {
      note: `${Object.keys(raw).length} variables from ${path.slice(path.lastIndexOf('/') + 1)}${without}`,
    };
  },
};

const connect = (credentials: OneGateCredentials, { machine, journal }: StepTools): OneGate =>
  connectOneGate({
    ...credentials,
    clock: machine.clock,
    random: machine.random,
    onRetry: ({ doing, why, attempt, tries, waitMs }) =>
      journal.info(
        `OneGate: ${doing}: ${why}; try ${attempt + 1} of ${tries} in ${(waitMs / 1000).toFixed(1)} s`,
      ),
  });

/** Turns the raw strings into a BootConfig, or tells everything that is wrong with them, all at once. */
export const validate: Step = {
  id: 'validate',
  title: 'validate the variables',
  needs: ['read_context'],
  inputs: (known) => ({ context: known.get('contextHash'), image: known.get('appliance') }),
  async run(known, tools): Promise<StepResult> {
    const { config, errors, warnings, problems } = checkContext(known.get('raw'), {
      image: imageOf(known.get('appliance'), tools.machine.paths),
      now: tools.machine.clock.now(),
      addresses: known.get('addresses'),
      hostNames: known.get('hostNames'),
    });
    const warned = problemOf(warnings, 'reading');
    if (warned !== undefined) tools.warn(warned);
    if (config === undefined) throw problemOf(errors, 'reading')!;
    tools.journal.configure({ level: config.FL_LOG_LEVEL, format: config.FL_LOG_FORMAT });
    // A CA may only seem invalid until the clock is set. The step `trust` reports it, and that failure is retried.
    const [first, ...rest] = problems.filter(
      ({ severity, code }) => severity === 'fatal' && code !== 'ca_invalid',
    );
    if (first !== undefined) throw joinProblems([first, ...rest]);
    known.set('config', config);
    const count = warnings.length;
    return count === 0
      ? { kept: tools.unchanged }
      : { kept: tools.unchanged, note: `${count} ${count === 1 ? 'warning' : 'warnings'}` };
  },
};
