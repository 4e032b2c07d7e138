// Writes all generated files. Run by `make generate`.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LOCKED_MODULE, lockedModule } from './locked.ts';

const root = resolve(import.meta.dirname, '..');

function write(path: string, text: string): void {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}

// The table of variables, and so every other file, imports it.
write(LOCKED_MODULE, lockedModule());
const { GENERATED } = await import('./generated.ts');
for (const [path, text] of GENERATED) write(path, text);
