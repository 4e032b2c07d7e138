import type { IncomingMessage } from 'node:http';
import { escapeAttributes, restrictedName } from './escape.ts';
import { type Parameters, textOf, textParameter } from './parameters.ts';
import { halt, type Reply, reply, serverError } from './reply.ts';
import type { Service } from './service.ts';
import { TemplateSyntaxError } from './template.ts';
import type { Vm } from './vm.ts';
import type { Zone } from './zone.ts';

/** Names of oned's own VM_RESTRICTED_ATTR that matter here; the group of user 0 may set them (samples 68, 342). */
const restrictedByOned = [
  'EMULATOR',
  'RAW',
  'CPU_COST',
  'MEMORY_COST',
  'DISK_COST',
  'CPU_MODEL',
  'PCI',
  'IMPORT_VM_ID',
];

/** Actions that OneGate has and this stub only accepts. */
const otherActions = ['hold', 'release', 'stop', 'suspend', 'resched', 'unresched', 'recover', 'undeploy'];

/** A request that was read and whose parameters were understood. */
export interface Call {
  readonly zone: Zone;
  readonly request: IncomingMessage;
  readonly path: string;
  readonly parameters: Parameters;
  readonly body: Buffer;
}

type Handler = (call: Call, vm: Vm, argument: string) => Reply;

const json = (value: object) => reply(200, JSON.stringify(value));

/** Ruby's to_i: leading digits, else 0 (sample 28). */
export function toInteger(text: string): number {
  return Number(/^\s*[+-]?\d+/.exec(text)?.[0] ?? 0);
}

/** The VM a request is from. Any failure at all, oned being down included, is 401 (samples 40-48, 360). */
function authenticate({ zone, request }: Call): Vm {
  const token = request.headers['x-onegate-token'];
  const id = request.headers['x-onegate-vmid'];
  const vm =
    typeof id === 'string' ? zone.vms.find((candidate) => candidate.id === toInteger(id)) : undefined;
  const bytes = (text: string) => Buffer.from(text, 'base64');
  const known =
    vm && typeof token === 'string' && token.trim() !== '' && bytes(token).equals(bytes(vm.token));
  return zone.backends.oned === 'up' && known ? vm : halt(401, 'Not authorized');
}

/** The service a VM says it is in, as OneFlow sees it with the rights of the VM's owner: samples 06, 344, 351. */
function serviceOf({ zone }: Call, vm: Vm): Service {
  const id = vm.userTemplate.get('SERVICE_ID');
  if (id === undefined || !/^\d+$/.test(id)) halt(400, 'Empty or invalid SERVICE_ID');
  const service = zone.backends.oneflow === 'up' ? zone.service(Number(id)) : undefined;
  const visible = service && (vm.owner.uid === 0 || vm.owner.uid === service.owner.uid);
  return visible ? service : halt(404, `Service ${id} not found`);
}

/** The same, provided that a VM (given by id) is among its nodes: samples 26, 27, 326. */
function serviceWith(call: Call, vm: Vm, id: number): Service {
  const service = serviceOf(call, vm);
  if (!service.lists(id)) halt(400, `Service ${service.id} does not contain VM ${id}.`);
  return service;
}

/** The VM of /vms/ID: itself, or one of the same service. */
function requestedVm(call: Call, vm: Vm, argument: string): Vm {
  const id = toInteger(argument);
  if (id === vm.id) return vm;
  if (vm.userTemplate.get('SERVICE_ID') === undefined) {
    halt(
      400,
      'This VM does not belong to any Virtual Router or Service, so it cannot retrieve information from other VMs',
    );
  }
  serviceWith(call, vm, id);
  return call.zone.vm(id);
}

function update({ zone, parameters, body }: Call, vm: Vm): Reply {
  const type = parameters.has('type') ? toInteger(textParameter(parameters, 'type') ?? '') : 1;
  // Without a `data` parameter the whole body is the data, of whatever type: samples 11-13, 177.
  const data = textParameter(parameters, 'data') ?? textOf(body) ?? serverError();
  const escaped = escapeAttributes(data);
  const name = restrictedName(escaped);
  if (name !== undefined) halt(403, `Attribute (${name}) cannot be ${type === 1 ? 'modified' : 'deleted'}`);
  if (type === 1) {
    try {
      vm.userTemplate.merge(escaped, vm.owner.gid === 0 ? [] : restrictedByOned);
    } catch (error) {
      if (error instanceof TemplateSyntaxError) serverError();
      throw error;
    }
    zone.updated(vm, escaped);
    return reply(200);
  }
  // Erasing evaluates an XPath; with a `=` in it that is no node set (samples 171, 172, 177).
  if (escaped.includes('=')) halt(500, 'node_set must be a Nokogiri::XML::NodeSet');
  if (type !== 2) return reply(200);
  if (!vm.userTemplate.erase(escaped)) serverError();
  zone.updated(vm, String(vm.userTemplate));
  return reply(200);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function scale(call: Call, vm: Vm, role: string): Reply {
  const service = serviceWith(call, vm, vm.id);
  const text = String(call.body);
  const asked = parseJson(text) ?? halt(500, `unexpected token at '${text}'`);
  const { cardinality } = asked as { cardinality?: unknown };
  const refused = service.scale(
    role,
    cardinality === undefined || cardinality === null ? Number.NaN : Number(cardinality),
  );
  if (refused) halt(400, `Error performing action on service ${service.id} role ${role}`);
  return reply(200);
}

function act(call: Call, vm: Vm, argument: string): Reply {
  const target = requestedVm(call, vm, argument);
  const text = String(call.body);
  const asked = parseJson(text) ?? halt(400, `unexpected token at '${text}'`);
  const { action } = asked as { action?: { perform?: string } };
  if (action === undefined) halt(400, 'Error parsing JSON: Wrong resource type');
  const perform = action.perform ?? '';
  if (perform.toLowerCase() === 'reboot') halt(403, `Action (${perform}) is not allowed on this resource`);
  if (perform === 'terminate' && target.state !== 'DONE') call.zone.terminate(target);
  else if (perform === 'poweroff' && target.state === 'RUNNING') call.zone.poweroff(target);
  else if (perform === 'resume' && target.state === 'POWEROFF') call.zone.resume(target);
  else if (!otherActions.includes(perform)) serverError();
  return { status: 204, headers: [['X-Content-Type-Options', 'nosniff']], body: '' };
}

const routes: ReadonlyArray<readonly [method: string, path: RegExp, handler: Handler]> = [
  [
    'GET',
    /^\/$/,
    ({ request }) => {
      const base = `http://${request.headers.host ?? ''}`;
      return json({ vm_info: `${base}/vm`, service_info: `${base}/service` });
    },
  ],
  ['GET', /^\/vm$/, (_, vm) => json(vm.document())],
  ['PUT', /^\/vm$/, (call, vm) => update(call, vm)],
  ['GET', /^\/vms\/([^/]+)$/, (call, vm, id) => json(requestedVm(call, vm, id).document())],
  ['PUT', /^\/vms\/([^/]+)$/, (call, vm, id) => update(call, requestedVm(call, vm, id))],
  ['POST', /^\/vms\/([^/]+)\/action$/, act],
  [
    'GET',
    /^\/service$/,
    // Any text in `extended`, "false" included, counts as true: sample 22.
    (call, vm) => json(serviceWith(call, vm, vm.id).document(call.parameters.has('extended'))),
  ],
  ['PUT', /^\/service\/role\/([^/]+)$/, scale],
  ['GET', /^\/vrouter$/, () => halt(400, 'Empty or invalid VROUTER_ID')],
  [
    'GET',
    /^\/vnet\/([^/]+)$/,
    () => halt(400, 'Virtual networks information can only be retrieved from Virtual Routers.'),
  ],
];

/** Whether a path needs OneFlow, so hangs with it. */
export function needsOneFlow(call: Pick<Call, 'path'>): boolean {
  return call.path.startsWith('/service') || call.path.startsWith('/vms/');
}

/**
 * Answers a request.
 *
 * @throws {Halt} the answer, when it is an error
 */
export function answer(call: Call): Reply {
  const method = call.request.method === 'HEAD' ? 'GET' : call.request.method;
  for (const [wanted, pattern, handler] of routes) {
    const match = wanted === method ? pattern.exec(call.path) : null;
    if (match) return handler(call, authenticate(call), decodeURIComponent(match[1] ?? ''));
  }
  // Before the authentication: samples 70-76.
  return halt(400, "OneGate server doesn't support this feature");
}
