import { Buffer } from 'node:buffer';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readFromDisc } from '../../../src/host/iso.ts';
import { isoWith } from '../../support/iso.ts';

let folder: string;
let disc: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iso-'));
  disc = join(folder, 'disc');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const contextSh = (): string | undefined => readFromDisc(disc, 'CONTEXT', 'context.sh')?.toString();

describe('a file of a disc', () => {
  test.each([0, 1, 2_048, 2_049, 300_000])('is read whole, also with %i bytes', (size) => {
    const text = 'x'.repeat(size);
    writeFileSync(disc, isoWith('CONTEXT', { 'context.sh': text }));
    expect(contextSh()).toBe(text);
  });

  test('is found among so many others that the folder takes several sectors', () => {
    const others = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`file${n}.txt`, 'other']));
    writeFileSync(disc, isoWith('CONTEXT', { ...others, 'context.sh': 'it', 'token.txt': 'other' }));
    expect(contextSh()).toBe('it');
  });

  test('does not exist on a disc of another name, on one without such a file, and without a disc', () => {
    expect(contextSh()).toBeUndefined();
    writeFileSync(disc, isoWith('OTHER', { 'context.sh': 'it' }));
    expect(contextSh()).toBeUndefined();
    writeFileSync(disc, isoWith('CONTEXT', { 'token.txt': 'it' }));
    expect(contextSh()).toBeUndefined();
    writeFileSync(disc, 'no disc at all');
    expect(contextSh()).toBeUndefined();
  });

  test('is not read from a truncated or invalid disc, and no read is endless', () => {
    const whole = isoWith('CONTEXT', { 'context.sh': 'it' });
    writeFileSync(disc, whole.subarray(0, -2_048));
    expect(contextSh()).toBeUndefined();
    const huge = Buffer.from(whole);
    huge.writeUInt32LE(0xffff_ffff, 16 * 2_048 + 156 + 10);
    writeFileSync(disc, huge);
    expect(contextSh()).toBeUndefined();
  });
});
