import type { VariableFinding } from '../../core/finding.ts';
import { Problem } from '../../core/problem.ts';
import { type Check, fromProblem, none, ok, warning, wrong } from '../check.ts';

/** The CONTEXT exists, a boot accepts it, and the agent uses it. */
export const context: Check = {
  id: 'context',
  title: 'CONTEXT',
  run({ context: seen, status, faults }) {
    if (seen instanceof Problem) return fromProblem(seen);
    const names = `${Object.keys(seen.variables).length} variables`;
    const used = status?.facts['context'];
    if (used === undefined)
      return faults.length > 0 ? faults.map(fault) : [ok(`${names}; no boot has read it yet`)];
    // The boot has reported what is wrong with this one.
    if (used === seen.sha256) return [ok(`${names}, the ones that the agent read`)];
    return [
      wrong('it is not the one that the agent read', 'let the agent look: `systemctl reload flower-context`'),
      ...faults.map(fault),
    ];
  },
};

const fault = ({ variable, found, expected, remedy, code }: VariableFinding) =>
  wrong(
    `${variable}: ${found}`,
    remedy ?? `give it ${expected ?? 'another value'}`,
    code ?? 'config_validation_failed',
  );

/** Whether there is a token, never which. */
export const token: Check = {
  id: 'token',
  title: 'OneGate token',
  run({ context: seen, credentials, role, machine }) {
    if (seen instanceof Problem) return [none('not known without the CONTEXT')];
    if (credentials instanceof Problem) return fromProblem(credentials);
    if (!('missing' in credentials)) return [ok('present')];
    const { missing } = credentials;
    if (missing.includes('token')) {
      const remedy = `check that one-context ran (\`systemctl status one-context\`); it writes the token into ${machine.paths.oneEnv}`;
      return [wrong('TOKEN=YES, but one-context has left no token', remedy)];
    }
    if (!missing.includes('TOKEN')) {
      const remedy = 'check ONEGATE_ENDPOINT in oned.conf on the front-end, then instantiate the VM again';
      return [wrong(`OneGate cannot be asked: ${credentials.why}`, remedy)];
    }
    const without = 'none: TOKEN=YES is not in the CONTEXT, so nothing is published';
    const remedy = 'put TOKEN=YES into the CONTEXT of the VM template';
    if (role !== 'supernode' || seen.variables['FL_SUPERLINK_ADDRESS']?.trim())
      return [warning(without, remedy)];
    return [wrong(without, `${remedy}, or set FL_SUPERLINK_ADDRESS`, 'not_in_service')];
  },
};
