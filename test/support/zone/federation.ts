// A whole OpenNebula zone on one machine: a stub of OneGate and OneFlow, and a folder with real units for each VM.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import type { Vm as OneVm, ZoneOptions } from '../onegate/index.ts';
import { Zone } from '../onegate/index.ts';
import type { Context } from './context.ts';
import { createVm, REPOSITORY, type Vm, type VmSpec } from './vm.ts';

export interface FederationSpec {
  /** Holds a folder per VM. */
  readonly dir: string;
  /** First two bytes of every address, e.g. '127.36'. Zones that run side by side need different ones. */
  readonly net: string;
  readonly supernodes?: number;
  /** The operator's variables per role. */
  readonly superlink?: Context;
  readonly supernode?: Context | ((number: number) => Context);
  readonly flower?: VmSpec['flower'];
  readonly env?: VmSpec['env'];
  readonly freeMb?: VmSpec['freeMb'];
  readonly dropIns?: VmSpec['dropIns'];
  readonly zone?: ZoneOptions;
  /** ready_status_gate; true as in an operator's template. Without it all VMs start at once. */
  readonly gate?: boolean;
  /** VMs that OneFlow lists but that never start: the test sets their attributes. */
  readonly withoutAgent?: (vm: OneVm) => boolean;
  /** Holds each VM's /run; in memory, as it is on a machine (undefined: on the disk with the rest). */
  readonly runs?: string | undefined;
  /** What is done to a VM's disk before it is switched on for the first time. */
  readonly prepare?: (vm: Vm) => void | Promise<void>;
}

/** One SuperLink and its SuperNodes, deployed by OneFlow: the SuperNodes' VMs exist once the gate has opened. */
export class Federation {
  readonly zone: Zone;
  readonly spec: FederationSpec;
  private readonly machines = new Map<number, Vm>();

  constructor(spec: FederationSpec) {
    this.spec = spec;
    const network = {
      name: 'demo-net',
      first: `${spec.net}.1.2`,
      gateway: `${spec.net}.0.254`,
      dns: `${spec.net}.0.254`,
    };
    this.zone = new Zone({ address: `${spec.net}.0.1`, port: 5030, network, ...spec.zone });
    this.zone.onDeploy((vm) => (spec.withoutAgent?.(vm) ? undefined : this.switchOn(vm)));
    this.zone.onResume((vm) => this.machines.get(vm.id)?.boot());
    this.zone.onPoweroff((vm) => this.machines.get(vm.id)?.powerCut());
    this.zone.onTerminate((vm) => this.machines.get(vm.id)?.shutdown());
  }

  get superlink(): Vm {
    return this.machineOf('superlink')[0] ?? fail('the SuperLink has not been deployed yet');
  }

  get supernodes(): Vm[] {
    return this.machineOf('supernode');
  }

  get vms(): Vm[] {
    return [...this.machines.values()];
  }

  /** The zone's view of one of our VMs: its USER_TEMPLATE, its state. */
  seenBy(vm: Vm): OneVm {
    const [id] = [...this.machines].find(([, machine]) => machine === vm) ?? fail('a VM of another zone');
    return this.zone.vm(id);
  }

  /** OneFlow instantiates the service: SuperLink first, SuperNodes when it is READY. */
  async deploy(): Promise<void> {
    await this.zone.start();
    const context = (role: 'superlink' | 'supernode') => (_id: number, number: number) =>
      this.contextOf(role, number);
    const nics = (id: number) => [{ ip: `${this.spec.net}.${id + 1}.2` }];
    this.zone.addService({
      name: 'federation',
      gate: this.spec.gate ?? true,
      roles: [
        { name: 'superlink', cardinality: 1, nics, context: context('superlink') },
        {
          name: 'supernode',
          cardinality: this.spec.supernodes ?? 2,
          parents: ['superlink'],
          nics,
          context: context('supernode'),
        },
      ],
    });
  }

  /** Deploys and waits until every node's boot is over and good. */
  async up(timeoutMs = 60_000): Promise<void> {
    await this.deploy();
    const wanted = 1 + (this.spec.supernodes ?? 2);
    await this.zone.until(() => this.machines.size === 1, timeoutMs, 'the SuperLink to be deployed');
    await this.superlink.whenReady(timeoutMs);
    await this.zone.until(() => this.machines.size === wanted, timeoutMs, 'the gate to open');
    await Promise.all(this.supernodes.map((vm) => vm.whenReady(timeoutMs)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.vms.map((vm) => vm.shutdown()));
    await this.zone.stop();
  }

  private machineOf(role: 'superlink' | 'supernode'): Vm[] {
    return this.vms.filter(({ spec }) => spec.role === role);
  }

  private contextOf(role: 'superlink' | 'supernode', number: number): Context {
    const { superlink = {}, supernode = {} } = this.spec;
    const own =
      role === 'superlink' ? superlink : typeof supernode === 'function' ? supernode(number) : supernode;
    return { READY_SCRIPT_PATH: '/opt/flower/scripts/health-check.sh', ...own };
  }

  /** Gives a VM its disk and switches it on; done at deployment, except `withoutAgent`. */
  async switchOn(vm: OneVm): Promise<void> {
    const { flower, env, dropIns, dir, runs, net, freeMb } = this.spec;
    const role = vm.role === 'superlink' ? 'superlink' : 'supernode';
    // All VMs share one kernel, so the SuperLink listens on its own address instead of 0.0.0.0.
    const listen: Context = role === 'superlink' ? { FL_FLEET_API_ADDRESS: `${vm.ip}:9092` } : {};
    const name = vm.name.replace(/_\(service_\d+\)$/, '');
    const machine = createVm({
      dir: join(dir, name),
      run: runs && join(runs, name),
      role,
      context: { ...listen, ...vm.context },
      token: vm.token,
      loopback: `${net}.${vm.id + 1}.1`,
      freeMb,
      ...(flower && { flower }),
      ...(env && { env }),
      ...(dropIns && { dropIns }),
    });
    this.machines.set(vm.id, machine);
    await this.spec.prepare?.(machine);
    await machine.boot();
  }
}

function fail(why: string): never {
  throw new Error(why);
}

/** Whether real Flower of a version is installed (`make` builds it). */
export const hasFlower = (version = BAKED_FLOWER, framework = 'none'): boolean =>
  existsSync(join(REPOSITORY, `.cache/envs/${version}-${framework}/bin/flower-superlink`));

/** How `flwr` reaches a SuperLink's Control API: a home with a config.toml of one connection, `zone`. */
export function operatorHome(superlink: Vm, dir: string): string {
  const { argv } = JSON.parse(readFileSync(superlink.at('run/flower-context/plan.json'), 'utf8')) as {
    argv: string[];
  };
  const after = (flag: string): string | undefined =>
    argv.includes(flag) ? argv[argv.indexOf(flag) + 1] : undefined;
  const address = after('--control-api-address') ?? `${after('--host')}:${after('--port')}`;
  const ca = after('--ssl-ca-certfile');
  const trust = ca === undefined ? 'insecure = true' : `root-certificates = "${ca}"`;
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, 'config.toml'),
    `[superlink]\ndefault = "zone"\n\n[superlink.zone]\naddress = "${address}"\n${trust}\n`,
  );
  return dir;
}
