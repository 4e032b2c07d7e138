import { unitOf } from '../../boot/steps/flower.ts';
import { formatHostPort, type HostPort } from '../../core/hostport.ts';
import { isLoopback, parseIp } from '../../core/ip.ts';
import { dialable, listenersOf } from '../../flower/endpoints.ts';
import { descendsFrom, type Listener, listeners } from '../../host/listeners.ts';
import { tryConnect } from '../../host/net.ts';
import { unitState } from '../../host/systemd.ts';
import { type Check, type Finding, none, ok, warning, wrong } from '../check.ts';
import type { VmSnapshot } from '../snapshot.ts';

const CONNECT_MS = 2_000;

/** Who should listen listens, and nobody else in its place. */
export const ports: Check = {
  id: 'ports',
  title: 'ports',
  async run(scene) {
    const { endpoints } = scene;
    if (endpoints === undefined) return [none('there is no launch plan yet')];
    const [all, { pid }] = await Promise.all([listeners(), unitState(unitOf(endpoints.role))]);
    const wanted = listenersOf(endpoints);
    const findings = await Promise.all(wanted.map((address) => one(scene, address, all, pid)));
    const bad = findings.filter(({ verdict }) => verdict !== 'ok');
    const open = exposed(all ?? [], pid, wanted);
    if (bad.length + open.length > 0) return [...bad, ...open];
    const seen = all === undefined ? ' (who listens is not known: there is no `ss`)' : '';
    return [ok(`Flower listens on ${wanted.map(formatHostPort).join(', ')}${seen}`)];
  },
};

async function one(
  { machine }: VmSnapshot,
  address: HostPort,
  all: readonly Listener[] | undefined,
  flower: number,
): Promise<Finding> {
  const shown = formatHostPort(address);
  const holder = all?.find((listener) => meets(listener, address));
  const stranger = holder?.pids.find((pid) => flower === 0 || !descendsFrom(pid, flower));
  if (stranger !== undefined) {
    const found = `${holder?.program ?? 'a program'} (process ${stranger}) listens on ${shown}, and it is not Flower`;
    return wrong(found, 'stop it, or choose another address for Flower', 'port_in_use');
  }
  const at = dialable(address, machine.host.loopback);
  const refused = await tryConnect(at.host, at.port, CONNECT_MS);
  if (refused === undefined) return ok(shown);
  return wrong(`${shown}: ${refused}`, 'look at Flower: `flower-context status`, `ss -ltnp`');
}

const meets = (listener: Listener, { host, port }: HostPort): boolean =>
  listener.port === port &&
  (listener.host === host || isWildcard(listener.host) || (isWildcard(host) && listener.host === host));

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

const isLocal = (host: string): boolean => {
  const ip = parseIp(host);
  return ip !== undefined && isLoopback(ip);
};

/** What Flower opens to the network besides what it was told to. */
function exposed(all: readonly Listener[], flower: number, wanted: readonly HostPort[]): Finding[] {
  if (flower === 0) return [];
  return all
    .filter(({ host, pids }) => !isLocal(host) && pids.some((pid) => descendsFrom(pid, flower)))
    .filter((listener) => !wanted.some((address) => meets(listener, address)))
    .map(({ host, port, program }) =>
      warning(
        `${program ?? 'Flower'} also listens on ${formatHostPort({ host, port })}, which nobody asked for`,
        'keep it from the network with the security group of the VM',
      ),
    );
}
