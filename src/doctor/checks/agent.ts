import type { ProblemCode } from '../../core/catalogue.ts';
import { CATALOGUE } from '../../core/catalogue.ts';
import { Problem } from '../../core/problem.ts';
import { isAlive } from '../../host/process.ts';
import type { Status, StatusProblem } from '../../report/status.ts';
import { type Check, type Finding, fromProblem, ok, warning, wrong } from '../check.ts';

/** How the last boot went, and what the agent itself complains of. */
export const agent: Check = {
  id: 'agent',
  title: 'the boot',
  run({ image, status }) {
    if (image instanceof Problem) return fromProblem(image);
    if (status === undefined) {
      const remedy = 'start it: `systemctl start flower-context`; then `journalctl -u flower-context`';
      return [wrong('the agent has not run since this VM started', remedy)];
    }
    const problems = status.problems.map(fromStatus);
    return [...phaseOf(status), ...problems];
  },
};

function phaseOf(status: Status): Finding[] {
  if (!isAlive(status.pid) && status.phase !== 'failed') {
    const remedy = '`journalctl -u flower-context` says why; `systemctl start flower-context` starts it';
    return [wrong(`the agent is gone; its last word was '${status.phase}'`, remedy)];
  }
  if (status.phase === 'ready' && status.serving) return [ok(`ready and serving since ${readyAt(status)}`)];
  const { waiting } = status;
  if (status.phase === 'ready') {
    const why = waiting === null ? 'the rest is not published yet' : `waiting for ${waiting.for}`;
    return [warning(`ready, but not serving: ${why}`, waiting?.check ?? 'journalctl -u flower-context')];
  }
  if (status.phase === 'booting') {
    const why = waiting === null ? '' : `, waiting for ${waiting.for}`;
    return [
      warning(`booting since ${status.started_at}${why}`, waiting?.check ?? 'flower-context status --wait'),
    ];
  }
  if (status.phase === 'stopped')
    return [
      warning(
        'it was stopped before the boot was over',
        'go on: `systemctl start flower-context`',
        'interrupted',
      ),
    ];
  // The fatal problems follow; without one there is still something to say.
  return status.problems.some(({ kind }) => kind === 'fatal')
    ? []
    : [wrong('the last boot failed', 'journalctl -u flower-context')];
}

const readyAt = ({ steps, started_at }: Status): string => steps.at(-1)?.at ?? started_at;

/** Something that the boot went on without is a warning here, too. */
function fromStatus({ code, kind, doing, found, remedy }: StatusProblem): Finding {
  const [first = ''] = `${doing}: ${found}`.split('\n');
  const known = code in CATALOGUE ? (code as ProblemCode) : undefined;
  return kind === 'fatal' ? wrong(first, remedy, known) : warning(first, remedy, known);
}
