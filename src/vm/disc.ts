// The CONTEXT as OpenNebula has it now: on the disc of the VM, or in the folder that a container has in its place.
import { readBytes, realPath } from '../host/files.ts';
import { readFromDisc } from '../host/iso.ts';
import type { Machine } from '../host/machine.ts';

/** context.sh of the disc, found as one-contextd finds it: by its label, and never on a loop device. */
export function discContext({ paths }: Machine): string | undefined {
  for (const device of paths.contextDiscs) {
    if (/\/loop\d+$/.test(realPath(device) ?? '')) continue;
    const bytes = readFromDisc(device, 'CONTEXT', 'context.sh');
    if (bytes !== undefined) return textOf(bytes);
  }
  return textOf(readBytes(paths.contextFolderFile));
}

/** What one-contextd has read last, once its network stage has run in this boot. */
export const contextThatWasRead = ({ paths }: Machine): string | undefined =>
  textOf(readBytes(paths.contextFiles[0]));

/** udev's rule appends an empty line to what was read when a NIC is taken away: that is no other CONTEXT. */
const textOf = (bytes: Buffer | undefined): string | undefined =>
  bytes?.toString('latin1').replace(/\n+$/, '');
