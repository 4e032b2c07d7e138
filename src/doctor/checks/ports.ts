import { formatHostPort, type HostPort } from '../../core/hostport.ts';
import { isLoopback, parseIp } from '../../core/ip.ts';
import { dialable, listenersOf } from '../../flower/endpoints.ts';
import { unitOf } from '../../flower/state-file.ts';
import { descendsFrom, type Listener, listeners } from '../../host/listeners.ts';
import { tryConnect } from '../../host/net.ts';
import { unitState } from '../../host/systemd.ts';
import { type Check, type CheckFinding, ok, problem, warning } from '../check.ts';
import type { VmSnapshot } from '../snapshot.ts';

const CONNECT_MS = 2_000;

/** Flower listens on its ports, no other program does, and Flower listens on no other port. */
export const ports: Check = {
  id: 'ports',
  needs: 'plan',
  async run(vm) {
    const wanted = listenersOf(vm.endpoints!);
    const [all, { pid }] = await Promise.all([listeners(), unitState(unitOf(vm.endpoints!.role))]);
    return [
      ...(await Promise.all(wanted.map((address) => ofPort(vm, address, all, pid)))),
      ...(all === undefined
        ? [ok('listener check skipped: `ss` not installed')]
        : unplanned(all, pid, wanted)),
    ];
  },
};

async function ofPort(
  { machine }: VmSnapshot,
  address: HostPort,
  all: readonly Listener[] | undefined,
  flower: number,
): Promise<CheckFinding> {
  const text = formatHostPort(address);
  const holder = all?.find((listener) => covers(listener, address));
  const other = holder?.pids.find((pid) => flower === 0 || !descendsFrom(pid, flower));
  if (other !== undefined) {
    const found = `${holder?.program ?? 'a program'} (process ${other}) listens on ${text}, and it is not Flower`;
    return problem(found, 'stop it, or choose another address for Flower', 'port_in_use');
  }
  const at = dialable(address, machine.host.loopback);
  const refused = await tryConnect(at.host, at.port, CONNECT_MS);
  return refused === undefined
    ? ok(text)
    : problem(`${text}: ${refused}`, 'check Flower: `flower-context status`, `ss -ltnp`');
}

const covers = (listener: Listener, { host, port }: HostPort): boolean =>
  listener.port === port &&
  (listener.host === host || isWildcard(listener.host) || (isWildcard(host) && listener.host === host));

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

const isLocal = (host: string): boolean => {
  const ip = parseIp(host);
  return ip !== undefined && isLoopback(ip);
};

/** Ports that Flower opens to the network without being configured to. */
const unplanned = (all: readonly Listener[], flower: number, wanted: readonly HostPort[]): CheckFinding[] =>
  all
    .filter(({ host }) => flower !== 0 && !isLocal(host))
    .filter(({ pids }) => pids.some((pid) => descendsFrom(pid, flower)))
    .filter((listener) => !wanted.some((address) => covers(listener, address)))
    .map(({ host, port, program }) =>
      warning(
        `${program ?? 'Flower'} also listens on ${formatHostPort({ host, port })}, which is not configured`,
        'block it with the security group of the VM',
      ),
    );
