// A disc as genisoimage makes it, as far as it is read (ECMA-119): a volume descriptor, the root folder, its files. For
// tests that may start no program; test/integration/reread.test.ts has discs of genisoimage.
import { Buffer } from 'node:buffer';

const SECTOR = 2_048;
const sectors = (bytes: number): number => Math.ceil(bytes / SECTOR);

export function isoWith(label: string, files: Readonly<Record<string, string>>): Buffer {
  const contents = Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
  // The folder's size depends on the number of records only.
  const empty = folderOf([SELF, PARENT, ...contents.map(({ name, bytes }) => record(name, 0, bytes.length))]);
  const first = 18 + sectors(empty.length);
  const offsets = contents.map((_, index) =>
    contents.slice(0, index).reduce((at, { bytes }) => at + Math.max(1, sectors(bytes.length)), first),
  );
  const folder = folderOf([
    SELF,
    PARENT,
    ...contents.map(({ name, bytes }, index) => record(name, offsets[index]!, bytes.length)),
  ]);
  const volume = Buffer.alloc(SECTOR);
  volume.write('\x01CD001\x01', 0, 'latin1');
  volume.write(label.padEnd(32), 40, 'latin1');
  record('\0', 18, folder.length, true).copy(volume, 156);
  const padded = (bytes: Buffer): Buffer =>
    Buffer.concat([bytes, Buffer.alloc(Math.max(1, sectors(bytes.length)) * SECTOR - bytes.length)]);
  return Buffer.concat([
    Buffer.alloc(16 * SECTOR),
    volume,
    Buffer.alloc(SECTOR),
    padded(folder),
    ...contents.map(({ bytes }) => padded(bytes)),
  ]);
}

function record(name: string, at: number, size: number, plain = false): Buffer {
  const text = plain ? name : `${name.toUpperCase()};1`;
  const bytes = Buffer.alloc(33 + text.length + ((text.length + 1) % 2));
  bytes[0] = bytes.length;
  bytes.writeUInt32LE(at, 2);
  bytes.writeUInt32BE(at, 6);
  bytes.writeUInt32LE(size, 10);
  bytes.writeUInt32BE(size, 14);
  bytes[32] = text.length;
  bytes.write(text, 33, 'latin1');
  return bytes;
}

const SELF = record('\0', 18, 0, true);
const PARENT = record('\x01', 18, 0, true);

/** No record crosses a sector. */
function folderOf(records: readonly Buffer[]): Buffer {
  let folder = Buffer.alloc(0);
  for (const one of records) {
    const left = SECTOR - (folder.length % SECTOR);
    folder = Buffer.concat([folder, ...(one.length > left ? [Buffer.alloc(left)] : []), one]);
  }
  return Buffer.concat([folder, Buffer.alloc((SECTOR - (folder.length % SECTOR)) % SECTOR)]);
}
