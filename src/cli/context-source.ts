// Where `context`, `validate` and `plan` get their variables from: a file of any of the usual forms, or this VM.
import { parseAppliance } from '../context/appliance.ts';
import { parseContextFile } from '../context/forms.ts';
import { imageOf } from '../flower/environment.ts';
import { readBytes, readText } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import type { ImageFacts } from '../params/parse.ts';
import { releaseImage } from '../params/release.ts';
import { UsageError } from './command.ts';

/** The variables in `file`, or in what one-context left on this VM. Throws Problem context_unreadable. */
export function readVariables(machine: Machine, file: string | undefined): Record<string, string> {
  const candidates = file === undefined ? machine.paths.contextFiles : [file];
  for (const path of candidates) {
    const bytes = readBytes(path);
    if (bytes !== undefined) return parseContextFile(bytes);
  }
  throw new UsageError(
    file === undefined ? 'this machine has no CONTEXT; name a FILE' : `there is no file ${file}`,
  );
}

/** The image of this machine; where there is none (on a laptop), that of the release, for the role that `--role` names. */
export function imageFacts(machine: Machine, role: string | undefined): ImageFacts {
  const text = readText(machine.paths.appliance);
  const appliance = text === undefined ? undefined : parseAppliance(text);
  if (role === undefined && appliance === undefined)
    throw new UsageError('say which role it is for: --role superlink or --role supernode');
  const known = role === 'superlink' || role === 'supernode' ? role : appliance!.role;
  if (appliance === undefined) return releaseImage(known);
  return imageOf({ ...appliance, role: known }, machine.paths);
}
