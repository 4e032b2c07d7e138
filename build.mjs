// One bundled file: CommonJS, because V8's compile cache and grpc-js' lazy loading both work best there.
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/flower-context.cjs',
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
