// Every kind of thing that can have the name of a file. (untrusted-files.test.ts has them at the paths of a VM.)
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Checkpoint } from '../../src/boot/checkpoint.ts';
import { quarantine, writeAtomic, writeIfChanged } from '../../src/host/files.ts';
import { readBytes, readNamed, readText, textOrUnfit, UnfitFile, unlessUnfit } from '../../src/host/read.ts';
import { KINDS } from '../support/kinds-of-files.ts';

const MIB = 1024 * 1024;
const asRoot = process.getuid?.() === 0;

let folder: string;
let serial = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'read-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fresh = (): string => join(folder, `file-${serial++}`);

describe.each(KINDS.filter(({ needsRoot }) => !needsRoot || asRoot))('$title', ({ make, found }) => {
  test('is refused at once, with its kind, and without memory', () => {
    const path = fresh();
    make(path);
    const before = process.memoryUsage.rss();
    const read = textOrUnfit(path);
    expect(read).toBeInstanceOf(UnfitFile);
    const { code, facts } = read as UnfitFile;
    expect(code).toBe('state_unwritable');
    expect(facts).toMatchObject({ doing: `reading ${path}`, found: expect.stringMatching(found) });
    expect(facts.expected).toBeDefined();
    expect(facts.remedy).toContain(path);
    expect(unlessUnfit(() => readText(path))).toBeUndefined();
    expect(process.memoryUsage.rss() - before).toBeLessThan(16 * MIB);
  });

  test('can be set aside, and be replaced by a file', () => {
    const aside = fresh();
    make(aside);
    quarantine(aside, new Date());
    expect(textOrUnfit(aside)).toBeUndefined();
    const path = fresh();
    make(path);
    expect(writeIfChanged(path, 'new', { mode: 0o600 })).toBe(true);
    expect(readText(path)).toBe('new');
    const other = fresh();
    make(other);
    writeAtomic(other, 'new', { mode: 0o600, durable: false });
    expect(readText(other)).toBe('new');
  });

  test('as the checkpoint is set aside, and a new one is written', () => {
    const path = fresh();
    make(path);
    const checkpoint = new Checkpoint(path, new Date());
    expect(checkpoint.empty).toBe(true);
    expect(checkpoint.damage).toMatchObject({
      code: 'state_damaged',
      facts: { found: expect.stringMatching(found) },
    });
    expect(checkpoint.damage?.remedy).toContain('.damaged-');
    checkpoint.record('validate', 1, new Date());
    checkpoint.keep();
    expect(new Checkpoint(path, new Date()).has('validate', 1)).toBe(true);
  });
});

describe('a regular file', () => {
  test('is read whole, whatever size it says to have', () => {
    const path = fresh();
    for (const content of ['', 'x', 'ä'.repeat(100_000)]) {
      writeFileSync(path, content);
      expect(readText(path)).toBe(content);
    }
    // Files in /proc say that they are empty.
    expect(readText('/proc/self/status')).toMatch(/^Name:/);
    expect(() => readText('/proc/self/status', { most: 10 })).toThrow('more than 10');
  });

  test('is refused above its limit', () => {
    const path = fresh();
    writeFileSync(path, 'x'.repeat(11));
    expect(readText(path, { most: 11 })).toHaveLength(11);
    expect(() => readText(path, { most: 10 })).toThrow('it has 11 bytes, more than 10');
    truncateSync(path, MIB + 1);
    expect(() => readText(path)).toThrow(`it has ${MIB + 1} bytes, more than ${MIB}`);
  });

  test('that does not exist is undefined, also below a file', () => {
    const path = fresh();
    expect(readBytes(path)).toBeUndefined();
    writeFileSync(path, '');
    expect(readBytes(join(path, 'below'))).toBeUndefined();
  });

  test('of the agent must be of root or of this user, and writable by nobody else', () => {
    const path = fresh();
    writeFileSync(path, 'x');
    chmodSync(path, 0o644);
    expect(readText(path, { owner: 'own' })).toBe('x');
    for (const mode of [0o664, 0o646, 0o666]) {
      chmodSync(path, mode);
      expect(() => readText(path, { owner: 'own' })).toThrow(
        `others can write it (mode ${mode.toString(8)})`,
      );
    }
    const uid = process.getuid!();
    expect(readText(path, { owner: uid })).toBe('x');
    expect(() => readText(path, { owner: uid + 1 })).toThrow(`it belongs to the user ${uid}`);
  });

  test.runIf(asRoot)('of another user is not of the agent', () => {
    const path = fresh();
    writeFileSync(path, 'x');
    chownSync(path, 61_234, 61_234);
    expect(readText(path)).toBe('x');
    expect(() => readText(path, { owner: 'own' })).toThrow('it belongs to the user 61234');
    expect(new Checkpoint(path, new Date()).damage?.facts.found).toContain('61234');
  });
});

describe('what a person names', () => {
  test('may be a link or a pipe, and has a limit', () => {
    const file = fresh();
    writeFileSync(file, 'content');
    const link = fresh();
    symlinkSync(file, link);
    expect(readNamed(link)?.toString()).toBe('content');
    const program = `import(${JSON.stringify(import.meta.resolve('../../src/host/read.ts'))}).then(({ readNamed }) => process.stdout.write(readNamed('-')))`;
    const command = `printf piped | '${process.execPath}' -e "$0"`;
    expect(execFileSync('sh', ['-c', command, program], { encoding: 'utf8' })).toBe('piped');
    expect(() => readNamed('/dev/zero', MIB)).toThrow(`more than ${MIB} bytes`);
    expect(() => readNamed(folder)).toThrow('a folder');
    expect(readNamed(fresh())).toBeUndefined();
  });
});
