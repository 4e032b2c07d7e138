// A OneFlow service of guests: one SuperLink and its SuperNodes, switched on as OneFlow does it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Vm as OneVm, ZoneOptions } from '../onegate/index.ts';
import { Zone } from '../onegate/index.ts';
import type { Context } from '../zone/context.ts';
import type { Guest, GuestSpec } from './guest.ts';
import { isPrivate, LAN, ONEGATE } from './lan.ts';

type Role = 'superlink' | 'supernode';

export interface ServiceSpec {
  /** Containers or VMs. */
  readonly make: (spec: GuestSpec) => Guest;
  readonly supernodes?: number;
  readonly superlink?: Context;
  readonly supernode?: Context;
  readonly zone?: ZoneOptions;
}

/** Where guests keep what they write; gone with the namespace. */
const FOLDER = '/run/fcvm';

export const READY_SCRIPT = {
  READY_SCRIPT_PATH: '/opt/flower/scripts/health-check.sh',
  REPORT_READY: 'YES',
} as const;

export class GuestService {
  readonly zone: Zone;
  private readonly spec: ServiceSpec;
  private readonly guests = new Map<number, Guest>();
  private readonly starts: Promise<void>[] = [];

  constructor(spec: ServiceSpec) {
    if (!isPrivate()) throw new Error('these tests run in a namespace of their own: make e2e');
    this.spec = spec;
    this.zone = new Zone({ ...ONEGATE, network: LAN, ...spec.zone });
    this.zone.onDeploy((vm) => this.powerOn(vm));
    this.zone.onTerminate((vm) => this.remove(vm));
  }

  get superlink(): Guest {
    return this.ofRole('superlink')[0] ?? fail('the SuperLink has not been deployed yet');
  }

  get supernodes(): Guest[] {
    return this.ofRole('supernode');
  }

  get all(): Guest[] {
    return [...this.guests.values()];
  }

  /** The zone's view of a guest. */
  oneVm(guest: Guest): OneVm {
    const [id] = [...this.guests].find(([, one]) => one === guest) ?? fail('a guest of another service');
    return this.zone.vm(id);
  }

  async deploy(): Promise<void> {
    await this.zone.start();
    const { supernodes = 2, superlink = {}, supernode = {} } = this.spec;
    const roles = [
      { name: 'superlink', cardinality: 1, context: () => ({ ...READY_SCRIPT, ...superlink }) },
      {
        name: 'supernode',
        cardinality: supernodes,
        parents: ['superlink'],
        context: () => ({ ...READY_SCRIPT, ...supernode }),
      },
    ];
    this.zone.addService({
      name: 'federation',
      gate: true,
      roles: supernodes > 0 ? roles : roles.slice(0, 1),
    });
  }

  /** Deploys and waits until every guest's boot is over and good; `seconds` are those of a container, for each. */
  async up(seconds = 60): Promise<void> {
    await this.deploy();
    const { supernodes = 2 } = this.spec;
    await this.switchedOn(1);
    await this.superlink.whenReady(seconds);
    await this.switchedOn(1 + supernodes);
    await Promise.all(this.supernodes.map((guest) => guest.whenReady(seconds)));
  }

  /** Waits until OneFlow has deployed so many guests and each of them can be talked to. */
  async switchedOn(count: number): Promise<void> {
    await this.zone.until(() => this.starts.length === count, 1_800_000, `${count} guests to be switched on`);
    await Promise.all(this.starts);
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.starts);
    await Promise.all(this.all.map((guest) => guest.powerCut()));
    await this.zone.stop();
  }

  private ofRole(role: Role): Guest[] {
    return this.all.filter(({ spec }) => spec.role === role);
  }

  private async powerOn(vm: OneVm): Promise<void> {
    const role = vm.role === 'superlink' ? 'superlink' : 'supernode';
    const name = `fcvm-${role}-${vm.id}`;
    const dir = join(FOLDER, `${name}-${Date.now()}`);
    mkdirSync(dir, { recursive: true });
    const guest = this.spec.make({ name, dir, role, context: vm.context, token: vm.token });
    this.guests.set(vm.id, guest);
    this.starts.push(guest.powerOn());
    this.zone.changed();
    await this.starts.at(-1);
  }

  /** OneFlow has scaled the role down: the guest is shut down and does not come back. */
  private async remove(vm: OneVm): Promise<void> {
    const guest = this.guests.get(vm.id);
    this.guests.delete(vm.id);
    await guest?.shutdown();
  }
}

function fail(why: string): never {
  throw new Error(why);
}
