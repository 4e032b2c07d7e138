import { randomBytes, randomUUID } from 'node:crypto';
import { firstHistoryRecord } from './document.ts';
import { Faults } from './faults.ts';
import type { RequestRecord } from './log.ts';
import { labNetwork, type NetworkSpec } from './network.ts';
import { Backends } from './oned.ts';
import { Server } from './server.ts';
import type { ServiceHost, ServiceSpec } from './service.ts';
import { Service } from './service.ts';
import type { VmState } from './states.ts';
import { Timeline } from './timeline.ts';
import { oneadmin, Vm, type VmSpec } from './vm.ts';

/** How a zone behaves; every field has a default that suits tests: no waits except the gate. */
export interface ZoneOptions {
  /** Where it listens. 127.33.0.1 unless said otherwise. */
  readonly address?: string;
  /** 0, the default: any free port. */
  readonly port?: number;
  /** ONEGATE_ENDPOINT in the VMs' CONTEXT when it is not simply where this listens (a proxy, a namespace). */
  readonly endpoint?: string;
  readonly network?: Partial<NetworkSpec>;
  /** How long a service rests after scaling. OneFlow's default: 300 000. */
  readonly cooldownMs?: number;
  /** How often the gate polls, besides its subscription. OneFlow: 30 000. */
  readonly pollMs?: number;
  /** From "create" to RUNNING. 0: at once; 'manual': when {@link Zone.boot} says so. */
  readonly bootMs?: number | 'manual';
  /** From "terminate" to DONE. 0: at once; 'manual': when {@link Zone.finish} says so. */
  readonly shutdownMs?: number | 'manual';
  /** OneFlow writes new nodes down only after it made all of a step: till then GET /service is 400 for them. 0. */
  readonly listMs?: number;
  readonly firstVmId?: number;
  readonly firstServiceId?: number;
  /** Seconds since 1970. */
  readonly clock?: () => number;
  /** Tokens for VMs whose spec names none; generated where this returns undefined. */
  readonly token?: (vmid: number) => string | undefined;
}

/** Called with the VM; a promise that fails makes `until` fail with its reason. */
export type VmHook = (vm: Vm) => unknown;

type HookName = 'deploy' | 'resume' | 'poweroff' | 'terminate';

/**
 * An OpenNebula front-end in miniature: oned's VMs, OneFlow's services, and the real OneGate's HTTP replies.
 *
 * ```ts
 * const zone = new Zone();
 * zone.onDeploy((vm) => startAgent(vm.context, vm.token));
 * await zone.start();
 * const service = zone.addService({ name: 'f', roles: [{ name: 'superlink' }, { name: 'supernode', parents: ['superlink'] }] });
 * await zone.until(() => service.state === 'RUNNING');
 * await zone.stop();
 * ```
 */
export class Zone {
  readonly vms: Vm[] = [];
  readonly services: Service[] = [];
  /** Every request, in the order of arrival. */
  readonly log: RequestRecord[] = [];
  readonly faults = new Faults();
  /** oned and OneFlow behind OneGate: make them fail, hang or slow. */
  readonly backends = new Backends();
  nextVmId: number;
  nextServiceId: number;
  readonly options: ZoneOptions;
  readonly network: NetworkSpec;
  readonly #hooks: Record<HookName, VmHook[]> = { deploy: [], resume: [], poweroff: [], terminate: [] };
  readonly #server: Server;
  readonly #timeline = new Timeline();

  constructor(options: ZoneOptions = {}) {
    this.options = options;
    this.network = { ...labNetwork, ...options.network };
    this.nextVmId = options.firstVmId ?? 0;
    this.nextServiceId = options.firstServiceId ?? 1;
    this.#server = new Server(this, options.address ?? '127.33.0.1', options.port ?? 0);
    this.faults.onChange = () => this.changed();
  }

  /** Begins to listen. Before {@link addService}: the CONTEXT of the VMs names the endpoint. */
  async start(): Promise<this> {
    await this.#server.listen();
    if (this.options.pollMs !== 0) this.#timeline.every(this.options.pollMs ?? 30_000, () => this.poll());
    return this;
  }

  /** Ends everything: connections, timers, waits. */
  async stop(): Promise<void> {
    this.#timeline.stop();
    this.faults.clear();
    await this.#server.close();
  }

  /** `http://127.33.0.1:PORT`: the value of ONEGATE_ENDPOINT. */
  get endpoint(): string {
    return this.options.endpoint ?? this.#server.endpoint;
  }

  /** Where it really listens, whatever the CONTEXT of the VMs names. */
  get listening(): string {
    return this.#server.endpoint;
  }

  /** Connections are refused until {@link up}; the port stays the same. */
  down(): Promise<void> {
    return this.#server.close();
  }

  up(): Promise<void> {
    return this.#server.listen();
  }

  /** A VM outside any service. */
  addVm(spec: VmSpec = {}): Vm {
    const vm = this.#create(spec);
    this.#powerOn(vm);
    return vm;
  }

  /** Instantiates a service: its first roles deploy at once, so set the hooks before. */
  addService(spec: ServiceSpec): Service {
    const id = spec.id ?? this.nextServiceId;
    this.nextServiceId = Math.max(this.nextServiceId, id + 1);
    const service = new Service(spec, id, spec.owner ?? oneadmin, this.#host());
    this.services.push(service);
    service.deploy();
    return service;
  }

  /** OneFlow (or addVm) made this VM and it is switched on: start its agent. */
  onDeploy(hook: VmHook): void {
    this.#hooks.deploy.push(hook);
  }

  /** The VM is switched on again after a power-off. */
  onResume(hook: VmHook): void {
    this.#hooks.resume.push(hook);
  }

  /** The VM lost power: end its agent, keep its disk. */
  onPoweroff(hook: VmHook): void {
    this.#hooks.poweroff.push(hook);
  }

  /** The VM is being shut down before its end (ACPI): end its agent gracefully. DONE follows after `shutdownMs`. */
  onTerminate(hook: VmHook): void {
    this.#hooks.terminate.push(hook);
  }

  vm(id: number): Vm {
    const vm = this.vms.find((candidate) => candidate.id === id);
    if (!vm) throw new Error(`no VM ${id} in this zone`);
    return vm;
  }

  service(id: number): Service | undefined {
    return this.services.find((candidate) => candidate.id === id);
  }

  poweroff(vm: Vm): void {
    this.#become(vm, 'POWEROFF');
    this.#run('poweroff', vm);
  }

  resume(vm: Vm): void {
    this.#become(vm, 'RUNNING');
    this.#run('resume', vm);
  }

  /** Terminates a VM, as an operator does from outside: OneFlow was not asked. */
  terminate(vm: Vm): void {
    this.#become(vm, 'SHUTDOWN');
    this.#run('terminate', vm);
    const { shutdownMs = 0 } = this.options;
    if (shutdownMs === 0) this.finish(vm);
    else if (shutdownMs !== 'manual') this.after(shutdownMs, () => this.finish(vm));
  }

  /** With `bootMs: 'manual'`: the VM reaches RUNNING. */
  boot(vm: Vm): void {
    vm.deployId = `lab-host-0:${vm.name}:dummy`;
    vm.history = [firstHistoryRecord(vm, this.#now())];
    this.#become(vm, 'RUNNING');
    this.#run('deploy', vm);
  }

  /** With `shutdownMs: 'manual'`: a VM in SHUTDOWN reaches DONE. */
  finish(vm: Vm): void {
    if (vm.state === 'DONE') return;
    vm.ended = this.#now();
    this.#become(vm, 'DONE');
  }

  /** The hypervisor could not start it: LCM state 36 (sample 330). The gate notices at its next look. */
  failBoot(vm: Vm, reason = 'DEPLOY: failed'): void {
    vm.userTemplate.set('ERROR', reason);
    this.#become(vm, 'BOOT_FAILURE');
  }

  /** The gate polls now, instead of in 30 seconds. */
  poll(): void {
    for (const service of [...this.services]) service.poll();
  }

  /** A guest (or an operator) changed a USER_TEMPLATE; `text` is what oned was sent. */
  updated(vm: Vm, text: string): void {
    for (const service of [...this.services]) if (service.nodes.includes(vm)) service.updated(vm, text);
    this.changed();
  }

  /** Waits until a condition of the zone is true, evaluated after every request and every change. */
  until(condition: () => boolean, timeoutMs = 30_000, what = String(condition)): Promise<void> {
    return this.#timeline.until(condition, timeoutMs, what);
  }

  /** Something changed: look at what `until` waits for. */
  changed(): void {
    this.#timeline.changed();
  }

  /** Does something later, unless the zone has stopped by then. */
  after(ms: number, action: () => void): void {
    this.#timeline.after(ms, action);
  }

  #now(): number {
    return this.options.clock?.() ?? Math.floor(Date.now() / 1000);
  }

  #create(spec: VmSpec, service?: { readonly id: number; readonly role: string }): Vm {
    const id = spec.id ?? this.nextVmId;
    this.nextVmId = Math.max(this.nextVmId, id + 1);
    const vm = new Vm(spec, {
      id,
      name: spec.name ?? `vm-${id}`,
      token: spec.token ?? this.options.token?.(id) ?? randomBytes(16).toString('base64'),
      uuid: randomUUID(),
      created: this.#now(),
      endpoint: this.endpoint,
      network: this.network,
      ...(service && { service }),
    });
    this.vms.push(vm);
    return vm;
  }

  #powerOn(vm: Vm): void {
    const { bootMs = 0 } = this.options;
    if (bootMs === 0) this.boot(vm);
    else if (bootMs !== 'manual') this.after(bootMs, () => this.boot(vm));
  }

  #host(): ServiceHost {
    const zone = this;
    return {
      cooldownMs: this.options.cooldownMs ?? 300_000,
      listMs: this.options.listMs ?? 0,
      get nextVmId() {
        return zone.nextVmId;
      },
      createVm: (spec, service) => this.#create(spec, service),
      powerOn: (vm) => this.#powerOn(vm),
      terminate: (vm) => this.terminate(vm),
      after: (ms, action) => this.after(ms, action),
      forget: (service) => this.services.splice(this.services.indexOf(service), 1),
      changed: () => this.changed(),
    };
  }

  #become(vm: Vm, state: VmState): void {
    vm.state = state;
    for (const service of [...this.services]) if (service.nodes.includes(vm)) service.stateChanged(vm);
    this.changed();
  }

  #run(event: HookName, vm: Vm): void {
    for (const hook of this.#hooks[event]) {
      new Promise((resolve) => resolve(hook(vm))).catch((reason) => this.#timeline.fail(reason));
    }
  }
}
