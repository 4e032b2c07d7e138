// make bench-runtime: which way of shipping the agent starts faster and is smaller, the Node.js of the npm registry with
// one bundled file, or a single executable of both. Numbers: docs/dependencies.md.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from '../support/zone/vm.ts';
import { median } from './statistics.ts';

const RUNS = Number(process.env.RUNS ?? 20);
const scratch = mkdtempSync(join(tmpdir(), 'flower-runtime-'));
const at = (name: string): string => join(scratch, name);
const sh = (file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string =>
  execFileSync(file, args, {
    cwd: scratch,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });

interface Way {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  readonly parts: readonly string[];
}

/** Node.js puts the bundle, with V8's code for it, into a copy of itself; `strip` breaks such a file. */
function singleExecutable(node: string, bundle: string): string {
  writeFileSync(
    at('sea.json'),
    JSON.stringify({
      main: bundle,
      output: at('sea.blob'),
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
    }),
  );
  sh(node, ['--experimental-sea-config', at('sea.json')]);
  copyFileSync(node, at('single'));
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  sh('npx', [
    '--yes',
    'postject@1.0.0-alpha.6',
    at('single'),
    'NODE_SEA_BLOB',
    at('sea.blob'),
    '--sentinel-fuse',
    fuse,
  ]);
  return at('single');
}

function ways(): Way[] {
  const bundle = at('flower-context.cjs');
  copyFileSync(join(REPOSITORY, 'dist/flower-context.cjs'), bundle);
  const node = at('node');
  copyFileSync(process.execPath, node);
  const single = singleExecutable(node, bundle);
  sh('strip', [node]);
  const args = ['--max-semi-space-size=1', bundle];
  return [
    { name: 'Node.js and one file', file: node, args, env: {}, parts: [node, bundle] },
    {
      name: '... with V8 code kept (as packaged)',
      file: node,
      args,
      env: { NODE_COMPILE_CACHE: at('cache') },
      parts: [node, bundle],
    },
    { name: 'single executable', file: single, args: [], env: {}, parts: [single] },
  ];
}

const COMMANDS = {
  version: ['version'],
  'validate a CONTEXT': [
    'validate',
    join(REPOSITORY, 'test/support/context-samples/superlink-defaults.sh'),
    '--role',
    'superlink',
  ],
};

function once({ file, args, env }: Way, command: readonly string[]): number {
  const from = performance.now();
  sh(file, [...args, ...command], env);
  return performance.now() - from;
}

const mib = (bytes: number): string => (bytes / 1048576).toFixed(1);

const packed = new Map<string, number>();
/** Bytes after the package's compression. */
function inPackage(file: string): number {
  const known = packed.get(file) ?? Number(sh('sh', ['-c', `xz -6 -T0 -c '${file}' | wc -c`]));
  packed.set(file, known);
  return known;
}

/** Median milliseconds of each way, in turns because the machine's speed drifts. */
function measure(all: readonly Way[], command: readonly string[]): number[] {
  for (const way of all) once(way, command);
  const times = all.map((): number[] => []);
  for (let run = 0; run < RUNS; run++)
    for (const [index, way] of all.entries()) times[index]!.push(once(way, command));
  return times.map(median);
}

try {
  const all = ways();
  const sum = (way: Way, of: (file: string) => number): string =>
    mib(way.parts.reduce((total, part) => total + of(part), 0));
  const times = Object.values(COMMANDS).map((command) => measure(all, command));
  const heads = ['MiB on disk', 'MiB in the package', ...Object.keys(COMMANDS).map((name) => `${name}, ms`)];
  console.log(`| median of ${RUNS} | ${heads.join(' | ')} |\n|---|${'---|'.repeat(heads.length)}`);
  for (const [index, way] of all.entries()) {
    const cells = [
      sum(way, (part) => statSync(part).size),
      sum(way, inPackage),
      ...times.map((list) => list[index]!.toFixed(0)),
    ];
    console.log(`| ${way.name} | ${cells.join(' | ')} |`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
