import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { escapeAttributes, readableAttributes } from './escape.ts';
import type { Fault } from './faults.ts';
import type { RequestRecord } from './log.ts';
import { callsFor, requestOf } from './oned-calls.ts';
import { parametersOf, textOf } from './parameters.ts';
import { Halt, type Reply, reply } from './reply.ts';
import { answer, needsOneFlow, toInteger } from './routes.ts';
import type { Zone } from './zone.ts';

/** Puma's limits, in bytes: samples 216-218. */
const longestHeader = 114_688;
const longestQuery = 10_240;

const bareBadRequest = 'HTTP/1.1 400 Bad Request\r\n\r\n';

/** The HTTP side of a zone. */
export class Server {
  readonly #zone: Zone;
  readonly #address: string;
  #port: number;
  #server: HttpServer | undefined;

  constructor(zone: Zone, address: string, port: number) {
    this.#zone = zone;
    this.#address = address;
    this.#port = port;
  }

  get endpoint(): string {
    return `http://${this.#address}:${this.#port}`;
  }

  async listen(): Promise<void> {
    if (this.#server) return;
    const server = createServer(
      { maxHeaderSize: longestHeader, requireHostHeader: false },
      (request, response) => {
        this.#serve(request, response).catch((error) => response.destroy(error));
      },
    );
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    server.on('clientError', (_, socket) => (socket as Socket).end(bareBadRequest));
    this.#server = server;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(this.#port, this.#address, resolve);
    await promise;
    this.#port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const [path = '/', query = ''] = url.split('?', 2);
    if (query.length > longestQuery) {
      request.socket.end(bareBadRequest);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const started = Date.now();
    const record = recordOf(request, url, body, started);
    const zone = this.#zone;
    zone.log.push(record);
    const fault = zone.faults.match(record.vm, record.method, path);
    record.fault = fault?.kind;
    const finish = (status: number | undefined) => {
      record.status = status;
      record.ms = Date.now() - started;
      zone.changed();
    };
    if (fault && breakConnection(fault, response)) return finish(undefined);
    if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    const early = fault && insteadOf(fault);
    const result = early ?? (await this.#work(request, path, body));
    if (!result) return finish(undefined);
    send(request, response, result, fault);
    finish(result.status);
  }

  async #work(request: IncomingMessage, path: string, body: Buffer): Promise<Reply | undefined> {
    const zone = this.#zone;
    const hangs =
      zone.backends.oned === 'hang' || (zone.backends.oneflow === 'hang' && needsOneFlow({ path }));
    try {
      const parameters = parametersOf(request, body);
      if (hangs) return undefined;
      const extended = path === '/service' && parameters.has('extended');
      const asker = request.headers['x-onegate-vmid'];
      const service = zone.services.find(({ nodes }) => nodes.some(({ id }) => String(id) === asker));
      const asked = requestOf(request.method ?? '', path, extended);
      await zone.backends.work(callsFor(asked, service?.nodes.length ?? 0));
      return answer({ zone, request, path, parameters, body });
    } catch (error) {
      if (error instanceof Halt) return error.reply;
      return reply(500, error instanceof Error ? error.message : String(error));
    }
  }
}

function recordOf(request: IncomingMessage, path: string, body: Buffer, at: number): RequestRecord {
  const id = request.headers['x-onegate-vmid'];
  const form = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  const text = textOf(body) ?? body.toString('latin1');
  const fields = form ? new URLSearchParams(text) : undefined;
  const data = fields?.get('data') ?? text;
  const erases = fields?.get('type') === '2';
  return {
    at,
    vm: typeof id === 'string' && /\d/.test(id) ? toInteger(id) : undefined,
    method: request.method ?? '',
    path,
    attributes: request.method === 'PUT' && !erases ? readableAttributes(data) : {},
    erase: erases ? escapeAttributes(data) : undefined,
    body: text,
    status: undefined,
    fault: undefined,
    ms: undefined,
  };
}

/** Faults that give no answer at all. @returns whether this was one */
function breakConnection(fault: Fault, response: ServerResponse): boolean {
  if (fault.kind === 'hang') return true;
  if (fault.kind === 'reset') response.socket?.resetAndDestroy();
  else if (fault.kind === 'not-http') response.socket?.end('220 mail ready\r\n');
  else return false;
  return true;
}

/** Faults that answer without doing anything. */
function insteadOf(fault: Fault): Reply | undefined {
  const html = (status: number, body: string, type = 'text/html'): Reply => ({
    status,
    headers: [['Content-Type', type]],
    body,
  });
  switch (fault.kind) {
    case 'status':
      return fault.type === undefined
        ? reply(fault.status, fault.body)
        : html(fault.status, fault.body ?? '', fault.type);
    case 'redirect':
      return { status: 302, headers: [['Location', fault.to]], body: '' };
    case 'garbage':
      return html(200, fault.body ?? '<html><body>Please log in</body></html>');
    case 'oversize':
      return reply(200, `{"VM":{"NAME":"${'x'.repeat(fault.bytes)}`);
    default:
      return undefined;
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  result: Reply,
  fault: Fault | undefined,
): void {
  const body = Buffer.from(result.body);
  const type = fault?.kind === 'content-type' ? fault.type : undefined;
  const headers: string[] = [];
  for (const [name, value] of result.headers)
    headers.push(name, name === 'Content-Type' && type ? type : value);
  if (fault?.kind === 'date') headers.push('Date', new Date(Date.now() + fault.skewMs).toUTCString());
  // The recorded server says Connection only when it closes, and sends no Date.
  if (request.headers.connection?.toLowerCase() === 'close') headers.push('Connection', 'close');
  if (result.status !== 204) headers.push('Content-Length', String(body.length));
  response.sendDate = false;
  response.removeHeader('connection');
  response.writeHead(result.status, headers);
  if (fault?.kind !== 'half') {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.end());
}
