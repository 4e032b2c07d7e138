// Everything that this VM has been given: the facts of its image, the CONTEXT and the credentials of OneGate. No other
// file reads them. Nothing here throws and nothing is guessed: each part is a value, or the Problem that says why not.
import type { Buffer } from 'node:buffer';
import { Problem } from '../core/problem.ts';
import { exists, readBytes, readText } from '../host/files.ts';
import { type Machine, sha256 } from '../host/machine.ts';
import { parseContextSh } from './context-sh.ts';
import { tokenFrom } from './credentials.ts';
import { type Image, parseImage } from './image.ts';

type Files = Pick<Machine, 'paths'>;

export interface LoadedVm {
  /** Problem image_incomplete: the file is absent or damaged. */
  readonly image: Image | Problem;
  /** Problem context_unreadable: one-context has left no CONTEXT, or the file is damaged. */
  readonly context: Context | Problem;
  /** Checksum of the file as it is, also of a damaged one; undefined when there is none to read. */
  readonly contextSha256: string | undefined;
  readonly credentials: OneGateCredentials | MissingCredentials | Problem;
}

export interface Context {
  readonly path: string;
  readonly sha256: string;
  /** NAME -> value as OpenNebula wrote it, without a prototype. */
  readonly variables: Readonly<Record<string, string>>;
}

/** What a request to OneGate needs. */
export interface OneGateCredentials {
  /** A URL, not checked yet. */
  readonly endpoint: string;
  readonly vmId: number;
  readonly token: string;
}

/** TOKEN: neither a token nor TOKEN=YES. token: TOKEN=YES, but no token. */
export type CredentialPart = 'TOKEN' | 'token' | 'ONEGATE_ENDPOINT' | 'VMID';

export interface MissingCredentials {
  /** Empty when there is no CONTEXT to take them from. */
  readonly missing: readonly CredentialPart[];
  /** The same as clauses for a person: 'no VMID in the CONTEXT, no token in PATH'. */
  readonly why: string;
}

/** Reads all three parts. A file that the operating system refuses to read is a Problem state_unwritable. */
export function loadVm(machine: Files): LoadedVm {
  const found = attempt(() => contextFile(machine));
  const bytes = found instanceof Problem ? undefined : found?.bytes;
  const context = contextIn(found, machine);
  return {
    image: imageOf(machine),
    context,
    contextSha256: bytes === undefined ? undefined : sha256(bytes),
    credentials: context instanceof Problem ? WITHOUT_CONTEXT : credentialsIn(context, machine),
  };
}

/** Whether this machine is made of an image of this project; a laptop is not. */
export const hasImage = ({ paths }: Files): boolean => exists(paths.appliance);

/** The checksum of the CONTEXT on the disk at this moment: `contextSha256` of `loadVm`, for those who poll it. */
export function currentContextSha256(machine: Files): string | undefined {
  const found = attempt(() => contextFile(machine));
  return found === undefined || found instanceof Problem ? undefined : sha256(found.bytes);
}

/** The newest CONTEXT that one-contextd has left: that of its network stage, else that of its local stage. */
function contextFile({ paths }: Files): { path: string; bytes: Buffer } | undefined {
  for (const path of paths.contextFiles) {
    const bytes = readBytes(path);
    if (bytes !== undefined) return { path, bytes };
  }
  return undefined;
}

function contextIn(found: ReturnType<typeof contextFile> | Problem, { paths }: Files): Context | Problem {
  if (found instanceof Problem) return found;
  if (found !== undefined)
    return attempt(() => ({
      path: found.path,
      sha256: sha256(found.bytes),
      variables: parseContextSh(found.bytes),
    }));
  return new Problem('context_unreadable', {
    doing: 'reading the CONTEXT of this VM',
    found: `neither ${paths.contextFiles.join(' nor ')} exists`,
    expected: 'the file that one-contextd writes at boot',
  });
}

function imageOf({ paths }: Files): Image | Problem {
  const text = attempt(() => readText(paths.appliance));
  if (text instanceof Problem) return text;
  if (text !== undefined) return attempt(() => parseImage(text));
  return new Problem('image_incomplete', {
    doing: "reading the image's role",
    found: `${paths.appliance} does not exist`,
    expected: 'the file that the install script writes',
  });
}

const WITHOUT_CONTEXT: MissingCredentials = { missing: [], why: 'no CONTEXT' };

/**
 * one-context writes the token of the VM into one_env. ONEGATE_TOKEN in the CONTEXT counts where one_env has none: a VM
 * outside OpenNebula can be given one that way.
 */
function credentialsIn({ variables }: Context, { paths }: Files): LoadedVm['credentials'] {
  const given = (name: string): string | undefined =>
    (Object.hasOwn(variables, name) ? variables[name]!.trim() : '') || undefined;
  const oneEnv = attempt(() => readText(paths.oneEnv));
  if (oneEnv instanceof Problem) return oneEnv;
  const token = tokenFrom(oneEnv ?? '') ?? given('ONEGATE_TOKEN');
  if (token === undefined && given('TOKEN')?.toUpperCase() !== 'YES')
    return { missing: ['TOKEN'], why: 'TOKEN=YES is not set' };
  const endpoint = given('ONEGATE_ENDPOINT');
  const vmId = /^\d{1,10}$/.exec(given('VMID') ?? '')?.[0];
  if (token !== undefined && endpoint !== undefined && vmId !== undefined)
    return { endpoint, vmId: Number(vmId), token };
  const absent: readonly (readonly [CredentialPart, string | undefined, string])[] = [
    ['ONEGATE_ENDPOINT', endpoint, 'no ONEGATE_ENDPOINT in the CONTEXT'],
    ['VMID', vmId, 'no VMID in the CONTEXT'],
    ['token', token, `no token in ${paths.oneEnv}`],
  ];
  const missing = absent.filter(([, value]) => value === undefined);
  return { missing: missing.map(([part]) => part), why: missing.map(([, , why]) => why).join(', ') };
}

function attempt<T>(read: () => T): T | Problem {
  try {
    return read();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}
