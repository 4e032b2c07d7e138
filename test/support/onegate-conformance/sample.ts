import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../onegate-samples/', import.meta.url);
const requestMark = Buffer.from('# ---- request ----\n');
const responseMark = Buffer.from('\n# ---- response ----\n');

/** One exchange recorded on the real front-end, byte for byte. */
export interface Sample {
  /** The file's name without `.http`. */
  readonly name: string;
  /** What it shows, in the recorder's words. */
  readonly note: string;
  readonly request: Buffer;
  /** Empty when the real one gave no answer. */
  readonly response: Buffer;
}

/** The names of all samples, in order. */
export function sampleNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.http'))
    .map((file) => file.slice(0, -5))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

/** Reads a sample by the start of its name, e.g. `02`. Bodies the recorder left out are written again. */
export function readSample(start: string): Sample {
  const name = sampleNames().find((candidate) => candidate.startsWith(`${start}-`) || candidate === start);
  if (!name) throw new Error(`no sample ${start}`);
  const bytes = readFileSync(new URL(`${name}.http`, folder));
  const from = bytes.indexOf(requestMark) + requestMark.length;
  const to = bytes.indexOf(responseMark, from);
  const recorded = bytes.subarray(from, to);
  const response = bytes.subarray(to + responseMark.length, bytes.length - 1);
  return {
    name,
    note: bytes.toString('utf8', 2, bytes.indexOf('\n')),
    request: rewritten(name, recorded),
    response: response.includes('<<') && !response.includes('\r\n\r\n{') ? cut(response) : response,
  };
}

/** `<<...>>` is the recorder's remark that the connection was reset or silent; what came before it is the answer. */
function cut(response: Buffer): Buffer {
  return response.subarray(0, response.indexOf('<<'));
}

/** Writes out the bodies and headers that were too long to keep: `x`, `y` and `z` in their thousands. */
function rewritten(name: string, recorded: Buffer): Buffer {
  if (!/\.\.\.<\d+ bytes in all>$/.test(recorded.toString('latin1'))) return recorded;
  const [, kind, count] = /^\d+-size-(\w+)-(\d+)$/.exec(name) ?? [];
  const text = recorded.toString('latin1').replace(/\.\.\.<\d+ bytes in all>$/, '');
  const head = text.slice(0, text.indexOf('\r\n\r\n') + 4);
  const lines = text.split('\r\n').slice(0, 4).join('\r\n');
  const close = 'Connection: close\r\n\r\n';
  if (kind === 'form') return Buffer.from(`${head}data=S${count}%3D${'x'.repeat(Number(count))}&type=1`);
  if (kind === 'raw') return Buffer.from(`${head}R${count}=${'x'.repeat(Number(count))}`);
  if (name.startsWith('215')) {
    const body = `data=${Array.from({ length: 2000 }, (_, i) => `M${i}%3D${i}`).join('%0A')}&type=1`;
    const type = 'Content-Type: application/x-www-form-urlencoded';
    return Buffer.from(`${lines}\r\n${type}\r\nContent-Length: ${body.length}\r\n${close}${body}`);
  }
  if (name.startsWith('216')) return Buffer.from(`${lines}\r\nX-Big: ${'y'.repeat(65_536)}\r\n${close}`);
  if (name.startsWith('217')) {
    const big = Array.from({ length: 15 }, (_, i) => `X-Big${i}: ${'y'.repeat(8000)}`).join('\r\n');
    return Buffer.from(`${lines}\r\n${big}\r\n${close}`);
  }
  const rest = readSample('02').request.toString('latin1').split('\r\n').slice(1).join('\r\n');
  return Buffer.from(`GET /vm?x=${'z'.repeat(16_384)} HTTP/1.1\r\n${rest}`);
}

/** The value of a header in a recorded request. */
export function headerOf(request: Buffer, name: string): string | undefined {
  const head = request.toString('latin1').split('\r\n\r\n', 1)[0] ?? '';
  return new RegExp(`^${name}: *(.*?) *$`, 'im').exec(head)?.[1];
}

/** A reply taken apart. */
export interface ParsedReply {
  readonly status: number;
  readonly body: string;
}

export function parseReply(response: Buffer): ParsedReply {
  const end = response.indexOf('\r\n\r\n');
  return {
    status: Number(/^HTTP\/\S+ (\d+)/.exec(response.toString('latin1'))?.[1]),
    body: end === -1 ? '' : response.toString('utf8', end + 4),
  };
}

/** One line of put-body-table.json: what the real one stored for a body. */
export interface StoredCase {
  readonly file: string;
  readonly stored: Readonly<Record<string, unknown>>;
  readonly removed: readonly string[];
}

export function storedCases(): StoredCase[] {
  return JSON.parse(readFileSync(new URL('put-body-table.json', folder), 'utf8'));
}

/** Which characters survive at the start, in the middle and at the end of a value, and what becomes of the others. */
export interface Charset {
  readonly bad: Readonly<
    Record<string, Readonly<Record<string, readonly [status: string, stored: string | null]>>>
  >;
  readonly ok_everywhere: string;
}

export function charset(): Charset {
  return JSON.parse(readFileSync(new URL('put-charset.json', folder), 'utf8'));
}
