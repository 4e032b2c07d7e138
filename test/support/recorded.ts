// The exchanges recorded on a real OneGate (test/support/onegate-samples), as replies a test can feed to the client.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'onegate-samples');

export interface Recorded {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

/** The exchange whose file name begins with `number-`; throws when it holds no answer (a timeout, for instance). */
export function recorded(number: string): Recorded {
  const name = readdirSync(FOLDER).find((file) => file.startsWith(`${number}-`) && file.endsWith('.http'));
  if (name === undefined) throw new Error(`no exchange ${number}`);
  const text = readFileSync(join(FOLDER, name), 'utf8').replaceAll('\r\n', '\n');
  const [asked = '', answered = ''] = text.split('# ---- response ----\n');
  const line = asked.split('# ---- request ----\n')[1]?.split(' ');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(answered)?.[1];
  if (status === undefined) throw new Error(`exchange ${number} holds no answer`);
  const body = answered.slice(answered.indexOf('\n\n') + 2).replace(/\n$/, '');
  return { name, method: line?.[0] ?? '', path: line?.[1] ?? '', status: Number(status), body };
}

export const recordedJson = (number: string): unknown => JSON.parse(recorded(number).body);
