// Reads one file of an ISO 9660 disc (ECMA-119) from the device, without a mount, which would need a capability. Of the
// names on a disc only the plain ones are read, which every disc has beside those of Joliet and Rock Ridge.
import { openSync, readSync, statSync } from 'node:fs';
import { unlessError } from '../core/result.ts';
import { closing, MOST_OF_A_CONTEXT } from './read.ts';

const SECTOR = 2_048;
const DESCRIPTOR = 16 * SECTOR;
/** No folder or file that is read here is larger; a damaged disc can claim any size. */
const LARGEST = MOST_OF_A_CONTEXT;

/** The file `name` in the root folder of the disc with this label; undefined when there is no such disc or file. */
export function readFromDisc(device: string, label: string, name: string): Buffer | undefined {
  // An error: there is no medium, it is being changed, or it is of another kind.
  return unlessError(() => {
    // A link, by which udev names the disc, is followed. A FIFO with this name would block.
    const kind = statSync(device);
    if (!kind.isBlockDevice() && !kind.isFile()) return undefined;
    return closing(openSync(device, 'r'), (descriptor) => {
      const volume = read(descriptor, DESCRIPTOR, SECTOR);
      if (volume.toString('latin1', 0, 7) !== '\x01CD001\x01') return undefined;
      if (volume.toString('latin1', 40, 72).trimEnd() !== label) return undefined;
      const root = extent(volume, 156);
      const entries = records(read(descriptor, root.at, root.size));
      const found = entries.find((entry) => entry.name === name.toUpperCase());
      return found && read(descriptor, found.at, found.size);
    });
  });
}

interface Extent {
  readonly at: number;
  readonly size: number;
}

const extent = (bytes: Buffer, record: number): Extent => ({
  at: bytes.readUInt32LE(record + 2) * SECTOR,
  size: bytes.readUInt32LE(record + 10),
});

/** The entries of a folder; none of them crosses a sector. `CONTEXT.SH;1` is version 1 of CONTEXT.SH. */
function records(folder: Buffer): (Extent & { readonly name: string })[] {
  const found: (Extent & { name: string })[] = [];
  for (let at = 0; at < folder.length; ) {
    const length = folder[at]!;
    if (length === 0) {
      at = (Math.floor(at / SECTOR) + 1) * SECTOR;
      continue;
    }
    const name = folder.toString('latin1', at + 33, at + 33 + folder[at + 32]!);
    found.push({ ...extent(folder, at), name: name.replace(/;\d+$/, '').toUpperCase() });
    at += length;
  }
  return found;
}

function read(descriptor: number, at: number, size: number): Buffer {
  if (size > LARGEST) throw new RangeError(`larger than ${LARGEST} bytes`);
  const bytes = Buffer.alloc(size);
  for (let done = 0; done < size; ) {
    const count = readSync(descriptor, bytes, done, size - done, at + done);
    if (count === 0) throw new RangeError('the disc ends before the file does');
    done += count;
  }
  return bytes;
}
