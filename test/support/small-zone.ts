// One OneFlow service in a few lines, behind the same HTTP interface as the real client uses: for simulations of thousands of
// services on a fake clock, where sockets would be too slow. What OneGate really answers is test/support/onegate's.
import type { HttpReply, HttpRequest } from '../../src/host/http.ts';
import { HttpFailure } from '../../src/host/http.ts';
import type { FakeClock } from './fake-clock.ts';
import { callsFor, requestOf } from './onegate/oned-calls.ts';

export type Template = Record<string, unknown>;

export interface SmallVm {
  readonly id: number;
  state: number;
  lcmState: number;
  readonly template: Template;
}

export interface SmallRole {
  readonly name: string;
  cardinality: number;
  readonly nodes: SmallVm[];
}

/** Repeatable chance: the same seed gives the same sequence. */
export function chance(seed: number): () => number {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(at ^ (at >>> 15), at | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class SmallZone {
  readonly superLinks: SmallRole = { name: 'superlink', cardinality: 1, nodes: [] };
  readonly superNodes: SmallRole = { name: 'supernode', cardinality: 0, nodes: [] };
  /** Roles that are neither. */
  readonly others: SmallRole[] = [];
  serviceState = 2;
  /** Every request fails meanwhile. */
  down = false;
  /** A VM that oned cannot look up: extended readings are 404. */
  unreadable = false;
  /** oned takes so long for each call, and does one at a time (onegate/oned-calls.ts); undefined: answers take 5-300 ms. */
  msPerCall: number | undefined;
  /** Requests by `GET /service` and so on. */
  readonly counts = new Map<string, number>();
  /** Called with each request that arrives: its VM, its path, and the calls to oned that it costs. */
  onRequest: (vmId: number, path: string, onedCalls: number) => void = () => {};
  readonly #clock: FakeClock;
  readonly #random: () => number;
  #nextId = 1;
  #before: Promise<unknown> = Promise.resolve();

  constructor(clock: FakeClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A VM of the role, listed at once; the caller sets the cardinality. */
  add(role: SmallRole, template: Template = {}): SmallVm {
    const vm = { id: this.#nextId++, state: 3, lcmState: 3, template: { ...template } };
    role.nodes.push(vm);
    return vm;
  }

  remove(role: SmallRole, vm: SmallVm): void {
    vm.state = 6;
    vm.lcmState = 0;
    role.nodes.splice(role.nodes.indexOf(vm), 1);
  }

  /**
   * How VM `vmId` sends its requests: 5-300 ms there and back, the answer being true somewhere in between; with
   * `msPerCall` as long as oned needs for its calls once it has done what was asked before.
   */
  send =
    (vmId: number) =>
    async (request: HttpRequest): Promise<HttpReply> => {
      if (this.msPerCall !== undefined) return this.#inTurn(vmId, request);
      const took = 5 + this.#random() * 295;
      const there = took * this.#random();
      await this.#clock.sleep(there, request.signal);
      const reply = this.#answer(vmId, request);
      await this.#clock.sleep(took - there, request.signal);
      if (reply === undefined) throw new HttpFailure('refused', 'connection refused: nothing listens there');
      return { headers: {}, ...reply };
    };

  async #inTurn(vmId: number, request: HttpRequest): Promise<HttpReply> {
    const late = new AbortController();
    const timer = this.#clock
      .sleep(request.timeoutMs, AbortSignal.any([late.signal, ...(request.signal ? [request.signal] : [])]))
      .then(() => {
        throw new HttpFailure('timeout', `no whole answer within ${request.timeoutMs / 1000} s`);
      });
    const answer = this.#work(vmId, request);
    answer.catch(() => {});
    try {
      return await Promise.race([answer, timer]);
    } finally {
      timer.catch(() => {});
      late.abort();
    }
  }

  /** oned works on, whether or not the one who asked still waits. */
  async #work(vmId: number, request: HttpRequest): Promise<HttpReply> {
    this.#arrives(request, vmId);
    if (this.down) throw new HttpFailure('refused', 'connection refused: nothing listens there');
    const turn = this.#before.then(() => this.#clock.sleep(this.callsFor(request) * this.msPerCall!));
    this.#before = turn;
    await turn;
    return { headers: {}, ...this.#reply(vmId, request) };
  }

  /** Calls to oned for a request, of whichever VM of the service. */
  callsFor({ method, url }: Pick<HttpRequest, 'method' | 'url'>): number {
    const vms = [this.superLinks, this.superNodes, ...this.others].flatMap(({ nodes }) => nodes);
    return callsFor(requestOf(method, url.pathname, url.search !== ''), vms.length);
  }

  #answer(vmId: number, request: HttpRequest): { status: number; body: string } | undefined {
    this.#arrives(request, vmId);
    return this.down ? undefined : this.#reply(vmId, request);
  }

  #arrives(request: HttpRequest, vmId: number): void {
    const { method, url } = request;
    const asked = `${method} ${url.pathname}${url.search}`;
    this.counts.set(asked, (this.counts.get(asked) ?? 0) + 1);
    this.onRequest(vmId, asked, this.callsFor(request));
  }

  #reply(vmId: number, { method, url, body }: HttpRequest): { status: number; body: string } {
    const path = url.pathname + url.search;
    const all = [...this.superLinks.nodes, ...this.superNodes.nodes];
    const me = all.find((vm) => vm.id === vmId);
    if (me === undefined) return { status: 400, body: `Service 1 does not contain VM ${vmId}.` };
    if (method === 'PUT') {
      const data = new URLSearchParams(body).get('data') ?? '';
      for (const line of data.split('\n')) {
        const [name = '', ...value] = line.split('=');
        me.template[name] = value.join('=');
      }
      return { status: 200, body: '' };
    }
    if (path === '/vm') return json({ VM: document(me) });
    if (url.pathname.startsWith('/vms/')) {
      const peer = all.find((vm) => vm.id === Number(url.pathname.slice(5)));
      return peer === undefined
        ? { status: 400, body: `Service 1 does not contain VM ${url.pathname.slice(5)}.` }
        : json({ VM: document(peer) });
    }
    const full = url.search !== '';
    if (full && this.unreadable) return { status: 404, body: 'Service 1 not found' };
    const roles = [this.superLinks, this.superNodes, ...this.others].map(({ name, cardinality, nodes }) => ({
      name,
      cardinality,
      state: 2,
      nodes: nodes.map((vm) => ({
        deploy_id: vm.id,
        running: null,
        vm_info: { VM: full ? document(vm) : { ID: `${vm.id}`, NAME: `vm-${vm.id}` } },
      })),
    }));
    return json({ SERVICE: { name: 'flower', id: '1', state: this.serviceState, roles } });
  }
}

const json = (value: unknown): { status: number; body: string } => ({
  status: 200,
  body: JSON.stringify(value),
});

const document = (vm: SmallVm): object => ({
  ID: `${vm.id}`,
  NAME: `vm-${vm.id}`,
  STATE: `${vm.state}`,
  LCM_STATE: `${vm.lcmState}`,
  USER_TEMPLATE: vm.template,
  TEMPLATE: {},
});
