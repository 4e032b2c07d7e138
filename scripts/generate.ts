// Writes all generated files. Run by `make generate`.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { GENERATED } from './generated.ts';

const root = resolve(import.meta.dirname, '..');
for (const [path, text] of GENERATED) {
  const place = join(root, path);
  if (existsSync(place) && readFileSync(place, 'utf8') === text) continue;
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, text);
  console.log(`wrote ${path}`);
}
