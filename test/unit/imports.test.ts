// Which folder of src/ may import which: only what is below it. Imports of types count. No circle between files or folders.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../../src');

/** The folders from the highest layer to the lowest; docs/architecture.md describes them. */
const LAYERS: readonly (readonly string[])[] = [
  ['main.ts'],
  ['cli'],
  ['agent', 'doctor', 'templates'],
  ['boot'],
  ['report'],
  ['cluster', 'flower', 'tls', 'onegate'],
  ['config', 'vm'],
  ['host'],
  ['core'],
];

/** Within a layer, a folder may import one that is named here. */
const SAME_LAYER: Readonly<Record<string, readonly string[]>> = {
  vm: ['config'],
  cluster: ['onegate'],
};

/** Modules of Node that reach outside the process. Only host/ imports them. */
const OUTSIDE_WORLD =
  /^node:(fs|fs\/promises|child_process|net|tls|http|https|http2|os|timers|timers\/promises|dgram|dns|dns\/promises|worker_threads|readline)$/;

/** Who opens or reads files, by what. */
const READERS: Readonly<Record<string, readonly string[]>> = {
  'host/read.ts': ['openSync', 'readSync'],
  // A disc is a device; it reads from it only what it asks for.
  'host/iso.ts': ['openSync', 'readSync'],
  // It opens what it makes itself, to write, and a folder, to flush it. Names in a folder are not content.
  'host/files.ts': ['openSync', 'readdirSync', 'readlinkSync'],
  // Each opens one file of its own, without following a link, and reads nothing from it.
  'host/archive.ts': ['openSync'],
  'host/lock.ts': ['openSync'],
  'host/sandbox.ts': ['openSync'],
};

interface Import {
  readonly from: string;
  readonly what: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.endsWith('.d.ts'),
);
const imports: Import[] = files.flatMap(importsOf);
const own = imports.filter(({ what }) => what.startsWith('.'));

function importsOf(from: string): Import[] {
  const text = readFileSync(join(SOURCE, from), 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gms);
  const calls = text.matchAll(/\bimport\('([^']+)'\)/g);
  return [
    ...[...statements].map((found) => ({ from, what: found[2]!, typeOnly: found[1] !== undefined })),
    ...[...calls].map((found) => ({ from, what: found[1]!, typeOnly: true })),
  ];
}

const targetOf = ({ from, what }: Import): string => relative(SOURCE, resolve(SOURCE, dirname(from), what));
const folderOf = (file: string): string => file.split('/')[0]!;
const layerOf = (file: string): number => LAYERS.findIndex((layer) => layer.includes(folderOf(file)));
const isOutsideSource = (one: Import): boolean => targetOf(one).startsWith('..');
const describeImport = (one: Import): string =>
  `src/${one.from} imports ${one.what.startsWith('.') ? `src/${targetOf(one)}` : one.what}`;

/** The first circle found from each node, as a line. */
function circlesIn(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) circles.push([...path.slice(path.indexOf(node)), node].join(' -> '));
    if (done.has(node) || path.includes(node)) return;
    for (const next of edges.get(node) ?? []) visit(next, [...path, node]);
    done.add(node);
  };
  for (const node of edges.keys()) visit(node, []);
  return circles;
}

function edgesBetween(nameOf: (file: string) => string): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const one of own.filter((candidate) => !isOutsideSource(candidate))) {
    const [from, to] = [nameOf(one.from), nameOf(targetOf(one))];
    if (from !== to) edges.set(from, (edges.get(from) ?? new Set()).add(to));
  }
  return edges;
}

describe('the folders of src', () => {
  test('each have a layer', () => {
    expect(files.filter((file) => layerOf(file) === -1)).toEqual([]);
  });

  test('import only folders of the layers below, types included', () => {
    const wrong = own
      .filter((one) => !isOutsideSource(one))
      .filter((one) => {
        const [from, to] = [folderOf(one.from), folderOf(targetOf(one))];
        if (from === to || SAME_LAYER[from]?.includes(to)) return false;
        return layerOf(targetOf(one)) <= layerOf(one.from);
      });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('have no circle between them', () => {
    expect(circlesIn(edgesBetween(folderOf))).toEqual([]);
  });

  test('use files, processes and sockets only through host/', () => {
    const wrong = imports.filter(
      (one) => OUTSIDE_WORLD.test(one.what) && folderOf(one.from) !== 'host' && !one.typeOnly,
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('read files only through host/read.ts, which no kind of file can stop', () => {
    const NAMES = /^import \{([^}]*)\} from 'node:fs(?:\/promises)?'/gm;
    const READS = /^(read|open|createReadStream|opendir|watchFile|cp|copyFile|glob|promises|default)/;
    const wrong = files.flatMap((file) => {
      const text = readFileSync(join(SOURCE, file), 'utf8');
      const names = [...text.matchAll(NAMES)].flatMap(([, list]) =>
        list!.split(',').map((name) => name.trim()),
      );
      const others =
        /getBuiltinModule\('(node:)?fs|import\('(node:)?fs|from 'node:fs\/promises'|\* as \w+ from 'node:fs'|require\(/;
      const allowed = READERS[file] ?? [];
      return [
        ...names.filter((name) => READS.test(name) && !allowed.includes(name)),
        ...(others.exec(text)?.slice(0, 1) ?? []),
      ].map((name) => `src/${file}: ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  test('import modules of Node with node:, and nothing outside src but package.json', () => {
    const bare = imports.filter((one) =>
      /^(fs|net|tls|http|https|http2|os|path|url|crypto|child_process|dgram|dns)(\/|$)/.test(one.what),
    );
    const outside = own.filter((one) => isOutsideSource(one) && targetOf(one) !== '../package.json');
    expect([...bare, ...outside].map(describeImport)).toEqual([]);
  });
});

describe('the files of src', () => {
  test('have no circle between them, types included', () => {
    expect(circlesIn(edgesBetween((file) => file))).toEqual([]);
  });

  test('are read by this test', () => {
    expect(imports.length).toBeGreaterThan(files.length);
  });

  test('have at most 400 lines, half of them at most 80', () => {
    const lines = files.map((file) => readFileSync(join(SOURCE, file), 'utf8').split('\n').length - 1);
    expect(files.filter((_, at) => lines[at]! > 400)).toEqual([]);
    expect(lines.toSorted((a, b) => a - b)[Math.floor(lines.length / 2)]).toBeLessThanOrEqual(80);
  });
});
