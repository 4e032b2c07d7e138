// A reverse proxy between a SuperNode and a SuperLink that gives an answer of the test in place of the SuperLink's.
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { KeyPair } from '../../src/tls/issue.ts';

/** `reset`: of the connection. `cut`: the connection ends in its TLS handshake. `silent`: the call gets no answer. */
export type Answer =
  | { readonly status: number; readonly type?: string; readonly body?: string; readonly location?: string }
  | 'reset'
  | 'cut'
  | 'silent';

export class AnsweringProxy {
  /** What has passed: the paths of the calls that the SuperLink answered. */
  readonly passed: string[] = [];
  readonly #address: { host: string; port: number };
  readonly #superlink: { host: string; port: number };
  readonly #sockets = new Set<Socket>();
  #server: NetServer | undefined;
  #forced: { answer: Answer; call: string } | undefined;

  constructor(address: { host: string; port: number }, superlink: { host: string; port: number }) {
    this.#address = address;
    this.#superlink = superlink;
  }

  /** `keys`: null for plaintext. */
  async open(keys: KeyPair | null): Promise<void> {
    const handle = (asked: IncomingMessage, answer: ServerResponse) => this.#handle(asked, answer);
    const http =
      keys === null
        ? createHttpServer(handle)
        : createHttpsServer({ cert: keys.certPem, key: keys.keyPem }, handle);
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
      if (this.#forced?.answer === 'cut') socket.once('data', () => socket.destroy());
      else http.emit('connection', socket);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#address.port, this.#address.host, resolve));
  }

  /** Refuses connections from now on. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** This answer to all calls, or to those whose path ends with `call`. */
  force(answer: Answer, call = ''): void {
    this.#forced = { answer, call };
    if (answer === 'cut') for (const socket of this.#sockets) socket.destroy();
  }

  pass(): void {
    const was = this.#forced?.answer;
    this.#forced = undefined;
    if (was === 'silent') for (const socket of this.#sockets) socket.destroy();
  }

  #handle(asked: IncomingMessage, answer: ServerResponse): void {
    const path = asked.url ?? '';
    const forced = this.#forced;
    if (forced === undefined || !path.endsWith(forced.call)) {
      this.#forward(asked, answer);
      return;
    }
    if (forced.answer === 'silent') return;
    if (forced.answer === 'reset' || forced.answer === 'cut') {
      asked.socket.destroy();
      return;
    }
    const { status, type, body = '', location } = forced.answer;
    asked.resume().on('end', () => {
      answer.writeHead(status, {
        'content-length': Buffer.byteLength(body),
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(location === undefined ? {} : { location }),
      });
      answer.end(body);
    });
  }

  #forward(asked: IncomingMessage, answer: ServerResponse): void {
    const { method, url = '', headers } = asked;
    const call = request({ ...this.#superlink, method, path: url, headers, agent: false }, (reply) => {
      this.passed.push(url);
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    });
    call.on('error', () => answer.destroy());
    asked.pipe(call);
  }
}
