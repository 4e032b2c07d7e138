// What this VM has been given: its image, its CONTEXT and its token for OneGate.
import { Problem } from '../../core/problem.ts';
import { type Check, fromProblem, ok, problem, warning } from '../check.ts';

export const image: Check = {
  id: 'image',
  run({ image: found }) {
    if (!(found instanceof Problem)) return [ok(`${found.role}, Flower ${found.flower.version}`)];
    const { code, facts, remedy } = found;
    return [problem(`not an image of flower-context: ${facts.found}`, remedy, code)];
  },
};

/** The CONTEXT is valid, and it is the one that the agent has read. */
export const context: Check = {
  id: 'context',
  title: 'CONTEXT',
  needs: 'image',
  run({ context: found, contextSha256, status, faults }) {
    if (found instanceof Problem) return fromProblem(found);
    const invalid = faults.map((fault) => {
      const { variable, expected = 'another value', remedy = `use ${expected}` } = fault;
      return problem(`${variable}: ${fault.found}`, remedy, fault.code ?? 'config_validation_failed');
    });
    const count = `${Object.keys(found.variables).length} variables`;
    const read = status?.facts['context'];
    if (read === undefined) return [ok(`${count}; no boot has read it yet`), ...invalid];
    // The agent itself reports what is wrong with a CONTEXT that it has read.
    if (read === contextSha256) return [ok(`${count}, read by the agent`)];
    const remedy = 'reload it: `systemctl reload flower-context`';
    return [problem('the agent has not read this CONTEXT', remedy), ...invalid];
  },
};

/** The token exists; its value is never printed. */
export const token: Check = {
  id: 'token',
  title: 'OneGate token',
  needs: 'context',
  run({ context: found, credentials, role, machine }) {
    if (credentials instanceof Problem) return fromProblem(credentials);
    if ('token' in credentials) return [ok('present')];
    const { missing, why } = credentials;
    if (missing.includes('token')) {
      const remedy = `check that one-context ran (\`systemctl status one-context\`); it writes the token into ${machine.paths.oneEnv}`;
      return [problem('TOKEN=YES, but one-context has written no token', remedy)];
    }
    if (!missing.includes('TOKEN')) {
      const remedy = 'check ONEGATE_ENDPOINT in oned.conf on the front-end, then instantiate the VM again';
      return [problem(`no access to OneGate: ${why}`, remedy)];
    }
    const unpublished = 'TOKEN=YES is not in the CONTEXT, so nothing is published';
    const remedy = 'add TOKEN=YES to the CONTEXT of the VM template';
    const address = found instanceof Problem ? undefined : found.variables['FL_SUPERLINK_ADDRESS']?.trim();
    if (role !== 'supernode' || address) return [warning(unpublished, remedy)];
    return [problem(unpublished, `${remedy}, or set FL_SUPERLINK_ADDRESS`, 'not_in_service')];
  },
};
