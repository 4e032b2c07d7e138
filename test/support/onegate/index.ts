/**
 * The OneGate stub: an OpenNebula front-end in one process, as far as a guest can see it.
 *
 * Behaviour is taken from exchanges recorded on a real oned + OneFlow + OneGate; "sample NN" in a comment names one
 * (test/support/onegate-samples), and test/integration/onegate-conformance.test.ts replays them.
 *
 * - {@link Zone}: VMs, services, hooks, waiting, outages. Start here.
 * - `zone.onDeploy(vm => ...)`: `vm.context` is its CONTEXT, `vm.token` its token.txt.
 * - `zone.log`: every request with what it published; `published(zone, vm)` the attributes as peers see them.
 * - `zone.faults.add({ kind: 'status', status: 401 }, { vm: 2, times: 3 })`: misbehaviour on demand.
 * - `zone.backends`: oned or OneFlow down or hanging, how long oned takes for a call.
 * - `zone.down()` / `zone.up()`: connections are refused in between.
 */
export type { ActiveFault, Fault, Where } from './faults.ts';
export type { RequestRecord } from './log.ts';
export type { NetworkSpec, NicSpec } from './network.ts';
export type { Backends, Health } from './oned.ts';
export type { Role, RoleSpec, Service, ServiceSpec } from './service.ts';
export type { ServiceState, VmState } from './states.ts';
export { type Owner, oneadmin, type Vm, type VmSpec } from './vm.ts';
export { Zone, type ZoneOptions } from './zone.ts';

import type { RequestRecord } from './log.ts';
import type { Vm } from './vm.ts';
import type { Zone } from './zone.ts';

/** What a VM has published under a name; undefined when absent. */
export function published(vm: Vm, name: string): string | undefined {
  return vm.userTemplate.get(name);
}

/** The successful updates a VM made, in order. */
export function updatesOf(zone: Zone, vm: Vm): RequestRecord[] {
  return zone.log.filter((entry) => entry.vm === vm.id && entry.method === 'PUT' && entry.status === 200);
}
