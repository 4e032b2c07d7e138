// The agent: its units in systemd, its last boot, and the problems that it reports.
import { CATALOGUE, type ProblemCode } from '../../core/catalogue.ts';
import { unitOf } from '../../flower/state-file.ts';
import { SUPEREXEC_UNIT } from '../../flower/superexec.ts';
import { isAlive } from '../../host/process.ts';
import { type UnitState, unitState } from '../../host/systemd.ts';
import type { Status, StatusProblem } from '../../report/status.ts';
import { type Check, type CheckFinding, ok, problem, warning } from '../check.ts';

const START = '`systemctl start flower-context`';

export const units: Check = {
  id: 'units',
  needs: 'context',
  async run({ role, config }) {
    const names = [
      'flower-context.service',
      ...(role === undefined ? [] : [unitOf(role)]),
      ...(config?.FL_ISOLATION === 'process' ? [SUPEREXEC_UNIT] : []),
    ];
    return (await Promise.all(names.map(async (name) => ofUnit(name, await unitState(name))))).flat();
  },
};

function ofUnit(name: string, state: UnitState): CheckFinding[] {
  const { active, sub, restarts, result, exitStatus } = state;
  const journal = `\`journalctl -u ${name}\``;
  const ended = `${result}, exit status ${exitStatus}`;
  const restarted =
    restarts === 0 ? [] : [warning(`systemd has restarted ${name}: ${restarts} times`, journal)];
  if (active === 'unknown')
    return [warning(`systemd does not report ${name}`, `\`systemctl status ${name}\``)];
  if (active === 'active') return [ok(`${name} is active`), ...restarted];
  if (sub === 'auto-restart')
    return [problem(`${name} ended (${ended}); systemd restarts it soon`, journal), ...restarted];
  if (active === 'activating' || active === 'reloading')
    return [warning(`${name} is starting`, '`flower-context status --wait`'), ...restarted];
  const waits = name === 'flower-context.service' && exitStatus === 2;
  const why = waits ? ': it waits for a valid CONTEXT' : active === 'failed' ? ` (${ended})` : '';
  return [problem(`${name} is ${active}${why}`, `${journal}; \`systemctl start ${name}\``), ...restarted];
}

export const agent: Check = {
  id: 'agent',
  needs: 'context',
  run({ status }) {
    if (status === undefined)
      return [problem('the agent has not run since this VM started', `start it: ${START}`)];
    return [...ofPhase(status), ...status.problems.map(reported)];
  },
};

function ofPhase(status: Status): CheckFinding[] {
  const { phase, pid, waiting, steps, started_at, problems } = status;
  if (!isAlive(pid) && phase !== 'failed') {
    const remedy = `\`journalctl -u flower-context\` shows why; ${START} starts it`;
    return [problem(`the agent is not running; last phase: ${phase}`, remedy)];
  }
  switch (phase) {
    case 'ready': {
      if (status.serving) return [ok(`ready and serving since ${steps.at(-1)?.at ?? started_at}`)];
      const why = waiting === null ? 'attributes are not published yet' : `waiting for ${waiting.for}`;
      return [warning(`ready, but not serving: ${why}`, waiting?.check ?? '`flower-context status`')];
    }
    case 'booting': {
      const why = waiting === null ? '' : `, waiting for ${waiting.for}`;
      const remedy = waiting?.check ?? '`flower-context status --wait`';
      return [warning(`booting since ${started_at}${why}`, remedy)];
    }
    case 'stopped':
      return [warning('the agent was stopped during the boot', `resume it: ${START}`, 'interrupted')];
    case 'failed':
      return problems.some(({ kind }) => kind === 'fatal')
        ? []
        : [problem('the last boot failed', '`journalctl -u flower-context`')];
  }
}

/** A problem of the status; what did not end the boot is a warning here. */
function reported({ code, kind, doing, found, remedy }: StatusProblem): CheckFinding {
  const [first = ''] = `${doing}: ${found}`.split('\n');
  const explained = code in CATALOGUE ? (code as ProblemCode) : undefined;
  return (kind === 'fatal' ? problem : warning)(first, remedy, explained);
}
