// The certification tests of the marketplace (appliance/marketplace/*/tests/*.rb), as the marketplace runs them: its class VM
// puts each command between double quotes behind `ssh`, for the shell of the front-end.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from './zone/vm.ts';

export interface Check {
  /** As it is written in the test. */
  readonly command: string;
  /** How long it may take until it ends with 0; 0: at once. */
  readonly seconds: number;
}

/** The commands of the test of an image, in their order; all end with 0. */
export function certification(role: 'superlink' | 'supernode'): readonly Check[] {
  const file = `appliance/marketplace/flower-${role}/tests/00-flower-${role}.rb`;
  const text = readFileSync(join(REPOSITORY, file), 'utf8');
  const checks = [...text.matchAll(/^ +ok\('([^']*)'(?:, (\d+))?\)$/gm)].map(
    ([, command, seconds = '0']) => ({
      command: command!,
      seconds: Number(seconds),
    }),
  );
  const calls = text.match(/\bok\b(?!\(command)/g)?.length;
  if (checks.length !== calls)
    throw new Error(`${file}: ${calls} calls of ok, ${checks.length} of them understood`);
  return checks;
}

/** What the shell of the VM gets to run. An error of the front-end's shell is an error here. */
export function throughFrontEnd(command: string): string {
  const bin = mkdtempSync(join(tmpdir(), 'flower-front-end-'));
  try {
    // The real one joins its arguments behind the address with blanks, too.
    writeFileSync(join(bin, 'ssh'), '#!/bin/sh\nshift\nprintf %s "$*"\n', { mode: 0o755 });
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    return execFileSync('sh', ['-c', `ssh root@192.0.2.1 "${command}"`], { env, encoding: 'utf8' });
  } finally {
    rmSync(bin, { recursive: true });
  }
}
