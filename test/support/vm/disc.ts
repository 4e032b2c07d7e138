// A VM's CONTEXT disc as OpenNebula makes it: label CONTEXT, context.sh and token.txt in a flat folder.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Context, renderContextSh } from '../zone/context.ts';

export function writeContextFolder(folder: string, context: Context, token?: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'context.sh'), renderContextSh(context));
  if (token === undefined) rmSync(join(folder, 'token.txt'), { force: true });
  else writeFileSync(join(folder, 'token.txt'), token);
}

export function writeDisc(file: string, context: Context, token?: string): void {
  const folder = `${file}.d`;
  writeContextFolder(folder, context, token);
  execFileSync('genisoimage', ['-quiet', '-V', 'CONTEXT', '-J', '-R', '-o', file, folder]);
}
