import type { IncomingMessage } from 'node:http';
import { frameworkReply, Halt, halt } from './reply.ts';

/** Rack counts the bytes of a form before it reads it: samples 204, 205. */
const longestForm = 4_194_304;

/** A parameter: text, or a list when it was sent as `name[]`. */
export type Parameter = string | readonly string[] | InvalidText;

/** Bytes that are no UTF-8: Ruby notices when the text is used, not when it is read (sample 169). */
export class InvalidText {}

/** The parameters of a request, of its query and of a form body; the form's win. */
export type Parameters = ReadonlyMap<string, Parameter>;

function decode(component: string): string | InvalidText {
  if (/%(?![0-9A-Fa-f]{2})/.test(component)) {
    throw new Halt(frameworkReply(400, `Invalid query parameters: invalid %-encoding (${component})`));
  }
  const bytes = Buffer.from(
    component
      .replaceAll('+', ' ')
      .replace(/[^\0-\x7f]+/g, encodeURIComponent)
      .replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  return textOf(bytes) ?? new InvalidText();
}

/** The text of some bytes; undefined when they are no UTF-8. */
export function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function read(encoded: string, into: Map<string, Parameter>): void {
  for (const pair of encoded.split('&').filter(Boolean)) {
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    if (name instanceof InvalidText) continue;
    const list = /^(.*)\[\]$/.exec(name)?.[1];
    if (list === undefined) into.set(name, value);
    else
      into.set(list, [...(Array.isArray(into.get(list)) ? (into.get(list) as string[]) : []), String(value)]);
  }
}

/**
 * Reads the parameters, whatever the path is: this runs before routing.
 *
 * @throws {Halt} 400 for a broken %-escape, 500 for a form above 4 MiB; both in the framework's own words
 */
export function parametersOf(request: IncomingMessage, body: Buffer): Parameters {
  const parameters = new Map<string, Parameter>();
  const query = request.url?.split('?', 2)[1];
  if (query) read(query, parameters);
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-www-form-urlencoded') {
    if (body.length > longestForm) {
      throw new Halt(frameworkReply(500, `total query size exceeds limit (${longestForm})`));
    }
    read(body.toString('latin1'), parameters);
  }
  return parameters;
}

/**
 * A parameter's text as OneGate uses it, or undefined when it was not sent.
 *
 * @throws {Halt} 500 for bytes that are no UTF-8 (sample 169) and for a list (sample 173)
 */
export function textParameter(parameters: Parameters, name: string): string | undefined {
  const value = parameters.get(name);
  if (value === undefined || typeof value === 'string') return value;
  if (value instanceof InvalidText) return halt(500, 'invalid byte sequence in UTF-8');
  const code = "        attr = attr.split('')";
  return halt(
    500,
    `undefined method \`split' for ${JSON.stringify(value)}:Array\n\n${code}\n                   ^^^^^^`,
  );
}
