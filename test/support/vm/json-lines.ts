// QEMU's monitor and the agent inside the guest both speak JSON, one message a line, over a socket.
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { patience } from '../load.ts';

type Json = Record<string, unknown>;

export class JsonLines {
  private readonly socket: Socket;
  private readonly waiting: ((message: Json) => boolean)[] = [];
  private turn: Promise<unknown> = Promise.resolve();
  private closed: Error | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    // The guest agent answers a "delimited" sync with a byte of 0xff in front.
    const lines = createInterface({ input: socket.setEncoding('latin1') });
    lines.on('line', (line) => {
      const message = parse(line);
      if (message === undefined) return;
      const index = this.waiting.findIndex((wants) => wants(message));
      if (index >= 0) this.waiting.splice(index, 1);
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.closed = new Error('the machine is off');
      for (const wants of this.waiting.splice(0)) wants({ error: { desc: this.closed.message } });
    });
  }

  static open(path: string): Promise<JsonLines> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(new JsonLines(socket)));
      socket.once('error', reject);
    });
  }

  /** One request, one answer; requests wait for each other. */
  ask(execute: string, args?: Json, timeoutMs = 60_000): Promise<Json> {
    const asked = this.turn.then(() => this.exchange(execute, args, timeoutMs));
    this.turn = asked.catch(() => undefined);
    return asked;
  }

  close(): void {
    this.socket.destroy();
  }

  private exchange(execute: string, args: Json | undefined, timeoutMs: number): Promise<Json> {
    return new Promise((resolve, reject) => {
      if (this.closed !== undefined) return reject(this.closed);
      const timer = setTimeout(
        () => reject(new Error(`${execute}: no answer in ${timeoutMs / 1000} s`)),
        patience(timeoutMs),
      );
      this.waiting.push((message) => {
        if (!('return' in message) && !('error' in message)) return false;
        clearTimeout(timer);
        if ('error' in message) reject(new Error(`${execute}: ${JSON.stringify(message.error)}`));
        else resolve(message.return as Json);
        return true;
      });
      this.socket.write(`${JSON.stringify({ execute, ...(args && { arguments: args }) })}\n`);
    });
  }
}

function parse(line: string): Json | undefined {
  try {
    return JSON.parse(Buffer.from(line.replace(/^\u00ff/, ''), 'latin1').toString()) as Json;
  } catch {
    return undefined;
  }
}
