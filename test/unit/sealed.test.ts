// The seal of the unit tests (test/support/sealed.ts) refuses the outside world, and allows what a unit test may do.
import { execFile, spawnSync } from 'node:child_process';
import { lookup } from 'node:dns';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { takeAttempts } from '../support/sealed.ts';

describe('a unit test', () => {
  test.each([
    ['starts no program', () => execFile('true'), 'start a program (true)'],
    ['starts no program synchronously', () => spawnSync('true'), 'start a program (true)'],
    ['writes no file elsewhere', () => writeFileSync('/etc/not-there', ''), 'write outside'],
    ['writes no file elsewhere by promise', () => writeFile('/not-there', ''), 'write outside'],
    ['opens no file elsewhere for writing', () => openSync('/not-there', 'w'), 'write outside'],
    ['listens on no socket', () => createServer().listen(0), 'open a socket'],
    ['asks no server', () => fetch('http://127.0.0.1:5/'), 'open a socket'],
    ['resolves no name', () => lookup('localhost', () => {}), 'resolve a name (lookup localhost)'],
  ])('%s', async (_title, attempt, refusal) => {
    await expect((async () => attempt())()).rejects.toThrow();
    expect(takeAttempts()[0]).toContain(refusal);
  });

  test('may read anything, and write under the temporary folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealed-'));
    writeFileSync(join(folder, 'a'), 'content');
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('content');
    rmSync(folder, { recursive: true });
    expect(readFileSync('/proc/self/stat', 'utf8')).toContain('(');
  });
});
