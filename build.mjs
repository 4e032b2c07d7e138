// `build.mjs`: the agent, one bundled file. `build.mjs test`: the same program on a host that is a folder, for the zones of
// the demo and the tests. CommonJS, because V8's compile cache and grpc-js' lazy loading both work best there.
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

const [entryPoint, outfile] =
  process.argv[2] === 'test'
    ? ['test/support/agent/main.ts', '.cache/test-agent.cjs']
    : ['src/main.ts', 'dist/flower-context.cjs'];

await build({
  entryPoints: [entryPoint],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: 'none',
  alias: {
    'sonic-boom': './scripts/not-bundled.cjs',
    'thread-stream': './scripts/not-bundled.cjs',
    worker_threads: './scripts/no-threads.cjs',
  },
  banner: { js: '#!/usr/bin/env node' },
  define: { FLOWER_CONTEXT_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
