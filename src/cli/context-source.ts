// Where `context`, `validate` and `plan` get their variables from: a file of any of the usual forms, or this VM.
import type { Buffer } from 'node:buffer';
import type { ImageFacts } from '../config/parse.ts';
import { releaseImage } from '../config/release.ts';
import { Problem } from '../core/problem.ts';
import { imageOf } from '../flower/environment.ts';
import { exists, readBytes, readText } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { parseVariableFile, type VariableFile } from '../vm/context-file.ts';
import { parseImage } from '../vm/image.ts';
import { UsageError } from './command.ts';

/** What the help of these commands says about their argument. */
export const FILE_TEXT =
  'FILE is a context.sh, the CONTEXT block of a template, what `onevm show` prints (also with --json or --xml), a JSON\nobject of names, or KEY=VALUE lines; - is standard input. Without it, what one-context left here.';

/** The variables in `file`, or in what one-context left on this VM. Throws Problem context_unreadable. */
export function readVariables(machine: Machine, file: string | undefined): VariableFile {
  if (file !== undefined) return readNamed(file);
  for (const path of machine.paths.contextFiles) {
    const bytes = readBytes(path);
    if (bytes !== undefined) return parseVariableFile(bytes);
  }
  throw new UsageError('this machine has no CONTEXT; name a FILE');
}

/** A file that somebody named has nothing to do with one-context, and the remedy must not send them there. */
function readNamed(file: string): VariableFile {
  const bytes = readInput(file);
  try {
    return parseVariableFile(bytes);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'context_unreadable') throw error;
    const shown = file === '-' ? 'standard input' : file;
    throw new Problem(error.code, { remedy: `correct ${shown}, or give another FILE`, ...error.facts });
  }
}

/** What is in a file that somebody named, or in standard input. Throws UsageError. */
export function readInput(file: string): Buffer {
  let bytes: Buffer | undefined;
  try {
    bytes = readBytes(file === '-' ? '/dev/stdin' : file);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new UsageError(`${file} cannot be read: ${error.facts.found}`);
  }
  if (bytes === undefined) throw new UsageError(`there is no file ${file}`);
  return bytes;
}

/** The image of this machine; where there is none (on a laptop), that of the release, for the role that `--role` names. */
export function imageFacts(machine: Machine, role: string | undefined): ImageFacts {
  const text = readText(machine.paths.appliance);
  const appliance = text === undefined ? undefined : parseImage(text);
  if (role === undefined && appliance === undefined)
    throw new UsageError('say which role it is for: --role superlink or --role supernode');
  const known = role === 'superlink' || role === 'supernode' ? role : appliance!.role;
  if (appliance === undefined) return releaseImage(known);
  return imageOf({ ...appliance, role: known }, machine.paths);
}

/** For commands that are about this VM. Throws UsageError on a machine that has no appliance. */
export function demandAppliance({ paths }: Machine): void {
  if (exists(paths.appliance)) return;
  throw new UsageError(`this machine is not made of an image of ours: there is no ${paths.appliance}`);
}
