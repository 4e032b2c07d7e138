import type { VariableFinding } from '../../core/finding.ts';
import { Problem } from '../../core/problem.ts';
import { type Check, fromProblem, none, ok, warning, wrong } from '../check.ts';

/** The CONTEXT is there, makes sense, and is the one that the agent went by. */
export const context: Check = {
  id: 'context',
  title: 'CONTEXT',
  run({ context: seen, status, faults }) {
    if (seen instanceof Problem) return fromProblem(seen);
    const names = `${Object.keys(seen.raw).length} variables`;
    const used = status?.facts['context'];
    if (used === undefined)
      return faults.length > 0 ? faults.map(fault) : [ok(`${names}; no boot has read it yet`)];
    // What is wrong with the one that was read, the boot has said.
    if (used === seen.hash) return [ok(`${names}, the ones that the agent read`)];
    return [
      wrong('it is not the one that the agent read', 'let the agent look: `systemctl reload flower-context`'),
      ...faults.map(fault),
    ];
  },
};

const fault = ({ variable, found, expected = 'another value' }: VariableFinding) =>
  wrong(`${variable}: ${found}`, `give it ${expected}`, 'config_validation_failed');

/** Whether there is a token, never which. */
export const token: Check = {
  id: 'token',
  title: 'OneGate token',
  run({ context: seen, token: found, role, machine }) {
    if (seen instanceof Problem) return [none('not known without the CONTEXT')];
    const wanted = seen.raw['TOKEN']?.trim().toUpperCase() === 'YES';
    if (wanted && found === undefined) {
      const remedy = `check that one-context ran (\`systemctl status one-context\`); it writes the token into ${machine.paths.oneEnv}`;
      return [wrong('TOKEN=YES, but one-context has left no token', remedy)];
    }
    const missing = ['ONEGATE_ENDPOINT', 'VMID'].filter((name) => !seen.raw[name]?.trim());
    if (missing.length > 0 && (wanted || found !== undefined)) {
      const remedy = 'check ONEGATE_ENDPOINT in oned.conf on the front-end, then instantiate the VM again';
      return [wrong(`OneGate cannot be asked: no ${missing.join(' and no ')} in the CONTEXT`, remedy)];
    }
    if (found !== undefined) return [ok('present')];
    const without = 'none: TOKEN=YES is not in the CONTEXT, so nothing is published';
    const remedy = 'put TOKEN=YES into the CONTEXT of the VM template';
    if (role !== 'supernode' || seen.raw['FL_SUPERLINK_ADDRESS']?.trim()) return [warning(without, remedy)];
    return [wrong(without, `${remedy}, or set FL_SUPERLINK_ADDRESS`, 'not_in_service')];
  },
};
