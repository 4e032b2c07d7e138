// Who may import whom. The rooms of src/ form layers; only the host room has doors to the world; no circle, ever.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../../src');

/** What each room may import of the others. `*` = any. Addresses are read and written the same everywhere: params. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'main.ts': ['cli', 'status', 'host'],
  cli: ['*'],
  boot: ['context', 'onegate', 'discovery', 'tls', 'flower', 'params', 'status', 'host'],
  doctor: ['boot', 'context', 'onegate', 'discovery', 'tls', 'flower', 'params', 'status', 'host'],
  watch: ['boot', 'context', 'onegate', 'discovery', 'tls', 'flower', 'params', 'status', 'host'],
  context: ['params', 'status', 'host'],
  onegate: ['status', 'host'],
  discovery: ['onegate', 'params', 'status', 'host'],
  tls: ['params', 'status', 'host'],
  flower: ['params', 'status', 'host'],
  lint: ['context', 'params', 'status'],
  params: [],
  status: ['host'],
  host: ['status'],
};

/** The world's doors; everything else of Node computes. */
const DOORS =
  /^node:(fs|fs\/promises|child_process|net|tls|http|https|http2|os|timers|timers\/promises|dgram|dns|dns\/promises|worker_threads|readline)$/;

interface Import {
  readonly from: string;
  readonly what: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.endsWith('.d.ts'),
);
const imports: Import[] = files.flatMap(importsOf);

function importsOf(from: string): Import[] {
  const text = readFileSync(join(SOURCE, from), 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gms);
  const calls = text.matchAll(/\bimport\('([^']+)'\)/g);
  return [
    ...[...statements].map((found) => ({ from, what: found[2]!, typeOnly: found[1] !== undefined })),
    ...[...calls].map((found) => ({ from, what: found[1]!, typeOnly: false })),
  ];
}

const isOurs = ({ what }: Import): boolean => what.startsWith('.');
const targetOf = ({ from, what }: Import): string => relative(SOURCE, resolve(SOURCE, dirname(from), what));
const roomOf = (file: string): string => file.split('/')[0]!;
const spoken = (one: Import): string =>
  `src/${one.from} imports ${isOurs(one) ? `src/${targetOf(one)}` : one.what}`;

describe('the rooms of the house', () => {
  test('are all known here', () => {
    const rooms = new Set(files.map(roomOf));
    expect([...rooms].filter((room) => MAY_IMPORT[room] === undefined)).toEqual([]);
  });

  test('import only the rooms below them', () => {
    const wrong = imports.filter(isOurs).filter((one) => {
      const [from, to] = [roomOf(one.from), roomOf(targetOf(one))];
      const allowed = MAY_IMPORT[from] ?? [];
      if (one.typeOnly && to === 'params') return false;
      return from !== to && !allowed.includes('*') && !allowed.includes(to);
    });
    expect(wrong.map(spoken)).toEqual([]);
  });

  test('leave the world to the host room', () => {
    const wrong = imports.filter(
      (one) => DOORS.test(one.what) && roomOf(one.from) !== 'host' && !one.typeOnly,
    );
    expect(wrong.map(spoken)).toEqual([]);
  });

  test('use no package of Node by its bare name, and nothing outside src', () => {
    const bare = imports.filter((one) =>
      /^(fs|net|tls|http|https|http2|os|path|url|crypto|child_process|dgram|dns)(\/|$)/.test(one.what),
    );
    const outside = imports
      .filter(isOurs)
      .filter((one) => targetOf(one).startsWith('..') && !/^\.\.\/package\.json$/.test(targetOf(one)));
    expect([...bare, ...outside].map(spoken)).toEqual([]);
  });
});

describe('the imports', () => {
  test('form no circle', () => {
    const edges = Map.groupBy(
      imports.filter((one) => isOurs(one) && !one.typeOnly),
      (one) => one.from,
    );
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (done.has(file) || path.includes(file)) return;
      for (const one of edges.get(file) ?? []) visit(targetOf(one), [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  test('are seen at all', () => {
    expect(imports.length).toBeGreaterThan(files.length / 2);
  });
});

test('no file of src is longer than 400 lines', () => {
  const long = files.filter((file) => readFileSync(join(SOURCE, file), 'utf8').split('\n').length > 400);
  expect(long).toEqual([]);
});
