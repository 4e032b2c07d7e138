// The agent: its units in systemd, its last boot, and the problems that it reports.
import { CATALOGUE, type ProblemCode } from '../../core/catalogue.ts';
import { Problem } from '../../core/problem.ts';
import { unitOf } from '../../flower/state-file.ts';
import { SUPEREXEC_UNIT } from '../../flower/superexec.ts';
import { type UnitState, unitState } from '../../host/systemd.ts';
import { AGENT_UNIT, type Life, lifeLines } from '../../report/life.ts';
import type { Status, StatusProblem } from '../../report/status.ts';
import { type Check, type CheckFinding, fromProblem, none, ok, problem, warning } from '../check.ts';
import type { VmSnapshot } from '../snapshot.ts';

export const units: Check = {
  id: 'units',
  needs: 'context',
  async run({ role, config }) {
    const names = [
      AGENT_UNIT,
      ...(role === undefined ? [] : [unitOf(role)]),
      ...(config?.FL_ISOLATION === 'process' ? [SUPEREXEC_UNIT] : []),
    ];
    return (await Promise.all(names.map(async (name) => ofUnit(name, await unitState(name))))).flat();
  },
};

function ofUnit(name: string, state: UnitState): CheckFinding[] {
  const { active, restarts, ending, exitStatus, startsAgain } = state;
  const journal = `\`journalctl -u ${name}\``;
  const times = restarts === 1 ? 'once' : `${restarts} times`;
  const restarted =
    restarts === 0 ? [] : [warning(`systemd has restarted ${name} by itself ${times}`, journal)];
  if (active === 'unknown')
    return [warning(`systemd does not report ${name}`, `\`systemctl status ${name}\``)];
  if (active === 'active') return [ok(`${name} is active`), ...restarted];
  if (startsAgain && active !== 'inactive')
    return [problem(`${name} ended (${ending}); systemd restarts it soon`, journal), ...restarted];
  if (active === 'activating' || active === 'reloading')
    return [warning(`${name} is starting`, WAIT), ...restarted];
  const waits = name === AGENT_UNIT && active === 'failed' && exitStatus === 2;
  const why = waits ? ': it waits for a valid CONTEXT' : active === 'failed' ? ` (${ending})` : '';
  return [problem(`${name} is ${active}${why}`, `${journal}; \`systemctl start ${name}\``), ...restarted];
}

/** First of all: an agent that does not work makes what it has written doubtful. It does not hide the other findings. */
export const agent: Check = {
  id: 'agent',
  needs: 'image',
  run({ status, statusProblem, life, context, now }: VmSnapshot) {
    // Without a CONTEXT no agent can boot, and that is what has to be mended.
    if (life.agent.state === 'unstarted' && context instanceof Problem)
      return [none('it waits for a CONTEXT')];
    const failed = status?.phase === 'failed' && ['failed', 'restarting'].includes(life.agent.state);
    const dead = life.agent.running || failed ? [] : [ofLife(life, now)];
    if (statusProblem !== undefined) return [...dead, ...fromProblem(statusProblem)];
    if (status === undefined)
      return dead.length > 0 ? dead : [warning('it has not written a status yet', WAIT)];
    return [...dead, ...ofPhase(status, life), ...status.problems.map(reported)];
  },
};

const WAIT = '`flower-context status --wait`';

/** An agent that does not work, in one line; what to do in the other. */
function ofLife(life: Life, now: Date): CheckFinding {
  const lines = lifeLines(life, now).map((line) => line.trim());
  const remedy = lines.pop()!.replace('what to do: ', '');
  return (life.agent.state === 'starting' ? warning : problem)(lines.join('; '), remedy);
}

function ofPhase(status: Status, { agent: { running }, flower }: Life): CheckFinding[] {
  const { phase, waiting, steps, started_at, problems } = status;
  if (!running && phase !== 'failed') return [];
  switch (phase) {
    case 'ready': {
      const serves = flower === null || flower.serving;
      if (status.serving && serves) return [ok(`ready and serving since ${steps.at(-1)?.at ?? started_at}`)];
      if (status.serving)
        return [
          problem(`ready, but Flower does not serve: ${flower?.detail ?? ''}`, '`flower-context status`'),
        ];
      const why = waiting === null ? 'attributes are not published yet' : `waiting for ${waiting.for}`;
      return [warning(`ready, but not serving: ${why}`, waiting?.check ?? '`flower-context status`')];
    }
    case 'booting': {
      const why = waiting === null ? '' : `, waiting for ${waiting.for}`;
      const remedy = waiting?.check ?? WAIT;
      return [warning(`booting since ${started_at}${why}`, remedy)];
    }
    case 'stopped':
      return [warning('the agent is stopping', WAIT)];
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
