import { unitOf } from '../../boot/steps/flower.ts';
import { type UnitState, unitState } from '../../host/systemd.ts';
import { type Check, type Finding, ok, warning, wrong } from '../check.ts';

/** systemd's view of the agent and of Flower. */
export const units: Check = {
  id: 'units',
  title: 'units',
  async run({ role }) {
    const names = ['flower-context.service', ...(role === undefined ? [] : [unitOf(role)])];
    const findings = await Promise.all(names.map(async (name) => judge(name, await unitState(name))));
    const bad = findings.flat().filter(({ verdict }) => verdict !== 'ok');
    return bad.length > 0 ? bad : [ok(`${names.join(' and ')} are active`)];
  },
};

function judge(name: string, state: UnitState): Finding[] {
  const journal = `journalctl -u ${name}`;
  const again =
    state.restarts === 0
      ? []
      : [warning(`${name} was started again ${times(state.restarts)} by systemd`, journal)];
  if (state.active === 'unknown')
    return [warning(`systemd does not say how ${name} is`, `systemctl status ${name}`)];
  if (state.active === 'active') return [ok(name), ...again];
  if (state.sub === 'auto-restart')
    return [wrong(`${name} ended (${ended(state)}) and is started again soon`, journal), ...again];
  if (state.active === 'activating' || state.active === 'reloading')
    return [warning(`${name} is being started`, 'flower-context status --wait'), ...again];
  const gaveUp = name === 'flower-context.service' && state.exitStatus === 2;
  const why = gaveUp
    ? ': the CONTEXT is wrong, so it waits for another one'
    : state.active === 'failed'
      ? ` (${ended(state)})`
      : '';
  return [wrong(`${name} is ${state.active}${why}`, `${journal}; systemctl start ${name}`), ...again];
}

const ended = ({ result, exitStatus }: UnitState): string => `${result}, exit status ${exitStatus}`;

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);
