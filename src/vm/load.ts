// Everything that this VM has been given: the facts of its image, the CONTEXT and the credentials of OneGate. Only this
// file reads them. Nothing throws and nothing is guessed: each part is a value, or the Problem that says why there is none.
import type { Buffer } from 'node:buffer';
import { attempt, Problem } from '../core/problem.ts';
import { exists, modifiedAt, readBytes, readText } from '../host/files.ts';
import { type Machine, sha256 } from '../host/machine.ts';
import { MOST_OF_A_CONTEXT } from '../host/read.ts';
import { parseContextSh } from './context-sh.ts';
import { type Credentials, credentialsFrom } from './credentials.ts';
import { type Image, parseImage } from './image.ts';

type Files = Pick<Machine, 'paths'>;

export interface LoadedVm {
  /** Problem image_incomplete: the file is absent or damaged. */
  readonly image: Image | Problem;
  /** Problem context_unreadable: one-context has left no CONTEXT, or the file is damaged. */
  readonly context: Context | Problem;
  /** Checksum of the file as it is, also of a damaged one; undefined when there is none to read. */
  readonly contextSha256: string | undefined;
  readonly credentials: Credentials | Problem;
}

interface Context {
  readonly path: string;
  readonly sha256: string;
  /** NAME -> value as OpenNebula wrote it, without a prototype. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Reads all three parts. A file that the operating system refuses to read is a Problem state_unwritable. */
export function loadVm(machine: Files): LoadedVm {
  const { oneEnv } = machine.paths;
  const file = contextFile(machine);
  const context =
    file instanceof Problem
      ? file
      : attempt(() => ({ path: file.path, sha256: file.sha256, variables: parseContextSh(file.bytes) }));
  const credentials =
    context instanceof Problem
      ? { missing: [], why: 'no CONTEXT' }
      : attempt(() => credentialsFrom(context.variables, readText(oneEnv), oneEnv));
  return { image: loadImage(machine), context, contextSha256: checksumOf(file), credentials };
}

/** Whether this machine is made of an image of this project; a laptop is not. */
export const hasImage = ({ paths }: Files): boolean => exists(paths.appliance);

/** The checksum of the CONTEXT on the disk at this moment: `contextSha256` of `loadVm`, for those who poll it. */
export const currentContextSha256 = (machine: Files): string | undefined => checksumOf(contextFile(machine));

interface File {
  readonly path: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** The newest CONTEXT that one-contextd has left: that of its network stage, else that of its local stage. */
const contextFile = ({ paths }: Files): File | Problem =>
  attempt(() => {
    for (const path of paths.contextFiles) {
      const bytes = readBytes(path, { most: MOST_OF_A_CONTEXT });
      if (bytes !== undefined) return { path, bytes, sha256: sha256(bytes) };
    }
    throw new Problem('context_unreadable', {
      doing: 'reading the CONTEXT of this VM',
      found: `neither ${paths.contextFiles.join(' nor ')} exists`,
      expected: 'the file that one-contextd writes at boot',
    });
  });

const checksumOf = (file: File | Problem): string | undefined =>
  file instanceof Problem ? undefined : file.sha256;

/**
 * The part of `loadVm` that needs no CONTEXT: a boot chooses its steps by the role of the image. The time of the file is that
 * of the image where the file does not say it.
 */
export const loadImage = ({ paths }: Files): Image | Problem =>
  attempt(() => {
    const text = readText(paths.appliance);
    if (text !== undefined) {
      const image = parseImage(text);
      return { ...image, built: image.built ?? modifiedAt(paths.appliance) };
    }
    throw new Problem('image_incomplete', {
      doing: "reading the image's role",
      found: `${paths.appliance} does not exist`,
      expected: 'the file that the install script writes',
    });
  });
