import { countedAsUp, type ServiceState, serviceStates, worrying } from './states.ts';
import type { Owner, Vm, VmSpec } from './vm.ts';

/** What each node of a role gets; a function is called with the VM's id and its number within the role. */
type PerNode<T> = T | ((vmid: number, number: number) => T);

/** A role as a test asks for it. */
export interface RoleSpec extends Pick<VmSpec, 'userTemplate'> {
  readonly name: string;
  /** 1 unless said otherwise. */
  readonly cardinality?: number;
  /** Roles that must be RUNNING first. */
  readonly parents?: readonly string[];
  /** Scaling below is refused (sample 305). 0 unless said otherwise. */
  readonly minVms?: number;
  readonly maxVms?: number;
  readonly nics?: PerNode<NonNullable<VmSpec['nics']>>;
  readonly context?: PerNode<NonNullable<VmSpec['context']>>;
}

/** A service as a test asks for it. */
export interface ServiceSpec {
  readonly name: string;
  readonly id?: number;
  readonly owner?: Owner;
  readonly roles: readonly RoleSpec[];
  /** ready_status_gate: a role counts as up when its nodes said READY=YES. true unless said otherwise. */
  readonly gate?: boolean;
}

/** What a service needs from the zone. */
export interface ServiceHost {
  readonly cooldownMs: number;
  readonly listMs: number;
  readonly nextVmId: number;
  createVm(spec: VmSpec, service: { readonly id: number; readonly role: string }): Vm;
  powerOn(vm: Vm): void;
  terminate(vm: Vm): void;
  after(ms: number, action: () => void): void;
  /** The service came to its end: it can no longer be found. */
  forget(service: Service): void;
  changed(): void;
}

/** One role of a service. */
export class Role {
  readonly spec: RoleSpec;
  readonly name: string;
  cardinality: number;
  state: ServiceState = 'PENDING';
  /** In the order they were created. */
  nodes: Vm[] = [];
  /** Nodes the gate is still waiting for. */
  readonly waiting = new Set<Vm>();
  /** Nodes a scale-down has sent away. */
  readonly leaving = new Set<Vm>();
  made = 0;

  constructor(spec: RoleSpec) {
    this.spec = spec;
    this.name = spec.name;
    this.cardinality = spec.cardinality ?? 1;
  }
}

/**
 * A OneFlow service with straight deployment: parents first, children when the parents are up.
 * Invariant: a node is in `waiting` from its creation until the gate has seen it, and only then may its role continue.
 */
export class Service {
  readonly id: number;
  readonly name: string;
  readonly owner: Owner;
  readonly roles: readonly Role[];
  readonly gated: boolean;
  state: ServiceState = 'PENDING';
  readonly #host: ServiceHost;
  /** Nodes that exist and are not in the service's document yet. */
  readonly #unlisted = new Set<Vm>();

  constructor(spec: ServiceSpec, id: number, owner: Owner, host: ServiceHost) {
    this.id = id;
    this.name = spec.name;
    this.owner = owner;
    this.gated = spec.gate ?? true;
    this.roles = spec.roles.map((role) => new Role(role));
    this.#host = host;
  }

  get nodes(): Vm[] {
    return this.roles.flatMap((role) => role.nodes);
  }

  /** Whether a VM is in the service as OneFlow's document has it. */
  lists(vmid: number): boolean {
    return this.nodes.some((vm) => vm.id === vmid && !this.#unlisted.has(vm));
  }

  role(name: string): Role {
    const role = this.roles.find((candidate) => candidate.name === name);
    if (!role) throw new Error(`service ${this.name} has no role ${name}`);
    return role;
  }

  /** Starts the roles whose parents are up. */
  deploy(): void {
    this.state = 'DEPLOYING';
    this.#advance();
  }

  /**
   * Asks for another number of nodes. New ones are appended; the oldest leave first.
   *
   * @returns why OneFlow refuses, or undefined when it began
   */
  scale(name: string, cardinality: number): string | undefined {
    const role = this.roles.find((candidate) => candidate.name === name);
    if (!role) return `Role "${name}" not found`;
    if (this.state !== 'RUNNING') return `Service cannot be scaled in state ${this.state}`;
    if (!Number.isInteger(cardinality) || cardinality < (role.spec.minVms ?? 0))
      return 'Minimum cardinality is not met';
    if (cardinality > (role.spec.maxVms ?? Number.POSITIVE_INFINITY))
      return 'Maximum cardinality is exceeded';
    const growth = cardinality - role.cardinality;
    if (growth === 0) return 'Cardinality did not change';
    this.state = 'SCALING';
    role.state = 'SCALING';
    role.cardinality = cardinality;
    if (growth > 0) this.#create(role, growth);
    for (const vm of role.nodes.slice(0, Math.max(-growth, 0))) {
      role.leaving.add(vm);
      this.#host.terminate(vm);
    }
    this.#advance();
    return undefined;
  }

  /** Shuts the roles down, children first, and then is gone. */
  undeploy(): void {
    this.state = 'UNDEPLOYING';
    this.#advance();
  }

  /** one.vm.update was called for a node: the event the gate listens to (samples 16, 18, 303). */
  updated(vm: Vm, text: string): void {
    if (!this.gated || !text.replace(/[" ]/g, '').includes('READY=YES')) return;
    for (const role of this.roles) role.waiting.delete(vm);
    this.#advance();
  }

  /** A VM is in another state. The gate takes one that went away for up, and drops one that is DONE. */
  stateChanged(vm: Vm): void {
    for (const role of this.roles) {
      const up = countedAsUp.includes(vm.state) || (!this.gated && vm.state === 'RUNNING');
      const lost = up && role.waiting.delete(vm) && vm.state === 'DONE';
      if (lost) role.cardinality--;
      const left = vm.state === 'DONE' && role.leaving.delete(vm);
      if (lost || left) role.nodes = role.nodes.filter((node) => node !== vm);
    }
    this.#advance();
  }

  /** What the gate does every 30 seconds besides listening: READY exactly YES, and a failed boot. */
  poll(): void {
    for (const role of this.roles) {
      for (const vm of role.waiting) {
        const ready = this.gated ? vm.userTemplate.get('READY')?.trim() === 'YES' : vm.state === 'RUNNING';
        if (ready) role.waiting.delete(vm);
        else if (vm.state === 'BOOT_FAILURE')
          role.state = role.state === 'SCALING' ? 'FAILED_SCALING' : 'FAILED_DEPLOYING';
      }
    }
    this.#advance();
  }

  /** The answer to GET /service: samples 04, 17, 20, 21. */
  document(extended: boolean): object {
    const node = (vm: Vm) => ({
      deploy_id: vm.id,
      running: null,
      vm_info: extended ? vm.fullDocument() : vm.summary(),
    });
    const roles = this.roles.map((role) => ({
      name: role.name,
      cardinality: role.cardinality,
      state: serviceStates[role.state],
      nodes: role.nodes.filter((vm) => !this.#unlisted.has(vm)).map(node),
    }));
    return { SERVICE: { name: this.name, id: String(this.id), state: serviceStates[this.state], roles } };
  }

  #create(role: Role, count: number): void {
    const { nics, context, userTemplate } = role.spec;
    const fresh = Array.from({ length: count }, () => {
      const number = role.made++;
      const id = this.#host.nextVmId;
      const spec: VmSpec = {
        id,
        name: `${role.name}_${number}_(service_${this.id})`,
        owner: this.owner,
        ...(userTemplate && { userTemplate }),
        ...(nics && { nics: typeof nics === 'function' ? nics(id, number) : nics }),
        ...(context && { context: typeof context === 'function' ? context(id, number) : context }),
      };
      return this.#host.createVm(spec, { id: this.id, role: role.name });
    });
    role.nodes.push(...fresh);
    for (const vm of fresh) role.waiting.add(vm);
    if (this.#host.listMs > 0) for (const vm of fresh) this.#listLater(vm);
    for (const vm of fresh) this.#host.powerOn(vm);
    for (const vm of fresh) if (vm.userTemplate.get('READY') === 'YES') role.waiting.delete(vm);
  }

  #listLater(vm: Vm): void {
    this.#unlisted.add(vm);
    this.#host.after(this.#host.listMs, () => this.#unlisted.delete(vm));
  }

  #advance(): void {
    if (this.state === 'DEPLOYING') this.#advanceDeployment();
    else if (this.state === 'SCALING') this.#advanceScaling();
    else if (this.state === 'UNDEPLOYING') this.#advanceUndeployment();
    else if (this.state === 'RUNNING' || this.state === 'WARNING') this.#watch();
    this.#host.changed();
  }

  #advanceDeployment(): void {
    for (const role of this.roles) {
      if (role.state === 'DEPLOYING' && role.waiting.size === 0) role.state = 'RUNNING';
      if (role.state === 'FAILED_DEPLOYING') this.state = 'FAILED_DEPLOYING';
    }
    if (this.state !== 'DEPLOYING') return;
    if (this.roles.every((role) => role.state === 'RUNNING')) {
      this.#watch();
      return;
    }
    const up = (name: string) => this.role(name).state === 'RUNNING';
    const next = this.roles.filter((role) => role.state === 'PENDING' && (role.spec.parents ?? []).every(up));
    for (const role of next) role.state = 'DEPLOYING';
    for (const role of next) this.#create(role, role.cardinality);
    if (next.some((role) => role.waiting.size === 0)) this.#advanceDeployment();
  }

  #advanceScaling(): void {
    const role = this.roles.find(
      (candidate) => candidate.state === 'SCALING' || candidate.state === 'FAILED_SCALING',
    );
    if (role?.state === 'FAILED_SCALING') this.state = 'FAILED_SCALING';
    else if (role && role.waiting.size + role.leaving.size === 0) {
      role.state = 'COOLDOWN';
      this.state = 'COOLDOWN';
      this.#host.after(this.#host.cooldownMs, () => this.endCooldown());
    }
  }

  /** Ends a cooldown at once: what waiting for `cooldownMs` does. */
  endCooldown(): void {
    if (this.state !== 'COOLDOWN') return;
    for (const role of this.roles) if (role.state === 'COOLDOWN') role.state = 'RUNNING';
    this.state = 'RUNNING';
    this.#advance();
  }

  #advanceUndeployment(): void {
    const gone = (role: Role) => role.state === 'DONE';
    const children = (role: Role) => this.roles.filter((other) => other.spec.parents?.includes(role.name));
    for (const role of this.roles.filter((candidate) => !gone(candidate)).reverse()) {
      if (!children(role).every(gone)) continue;
      const first = role.state !== 'UNDEPLOYING';
      role.state = 'UNDEPLOYING';
      if (first) for (const vm of role.nodes) if (vm.state !== 'DONE') this.#host.terminate(vm);
      if (role.nodes.every((vm) => vm.state === 'DONE')) role.state = 'DONE';
    }
    if (!this.roles.every(gone)) return;
    this.state = 'DONE';
    this.#host.forget(this);
  }

  /** A running service notices nodes that leave or worry it; in COOLDOWN it does not (samples 311, 314, 322, 325). */
  #watch(): void {
    for (const role of this.roles) {
      const left = role.nodes.filter((vm) => vm.state !== 'DONE');
      role.cardinality -= role.nodes.length - left.length;
      role.nodes = left;
      role.state = left.some((vm) => worrying.includes(vm.state)) ? 'WARNING' : 'RUNNING';
    }
    this.state = this.roles.some((role) => role.state === 'WARNING') ? 'WARNING' : 'RUNNING';
  }
}
