// The environment of Flower in a VM whose test is not about Flower: an interpreter, gRPC, and the distribution `flwr` of
// test/support/fake-flwr. The launcher in it is the real one.

import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');
const SOURCE = join(REPOSITORY, 'test/support/fake-flwr/flwr');
/**
 * Flower's own command, as far as `flwr list` goes. etc/fake-runs: a status for each run (running, finished:completed, ...);
 * `broken`: no answer. Without the file there is no run.
 */
const FLWR = `#!/bin/sh
runs=$(cat "\${FLWR_HOME%/run/flower-context/flwr}/etc/fake-runs" 2>/dev/null)
if [ "$runs" = broken ]; then
  echo '{"success": false, "error-message": "Listing all runs...\\\\n\\\\nConnection to the SuperLink is unavailable."}'
  exit 0
fi
echo 'Listing all runs...'
id=0
printf '{"success": true, "runs": ['
for status in $runs; do
  [ $id = 0 ] || printf ', '
  id=$((id + 1))
  printf '{"run-id": "%s", "status": "%s"}' $id "$status"
done
printf ']}\\n'
`;
/** Has the gRPC that Flower has, and the interpreter it was built for. */
const REAL = join(REPOSITORY, `.cache/envs/${BAKED_FLOWER}-none`);
const MADE = join(REPOSITORY, '.cache/fake-flwr');

/** What it does, now or from now on: see test/support/fake-flwr/flwr/daemons.py. */
export type FakeOrder =
  | 'hang'
  | 'mute'
  | 'foreign'
  | 'stay'
  | 'busy'
  | 'sleep'
  | 'lock'
  | 'child'
  | 'work'
  | `exit ${number} ${string}`
  | `refuse ${string} ${string}`;

/** The folder of an environment with this "version" of it; made once and used by all VMs. */
export function fakeEnvironment(version: string): string {
  if (!existsSync(join(REAL, '.complete')))
    throw new Error(`gRPC is taken from ${REAL}, which is not there: \`make test-integration\` makes it`);
  const python = realpathSync(join(REAL, 'bin/python'));
  const settings = readFileSync(join(REAL, 'pyvenv.cfg'), 'utf8').match(/^(home|version) = .*$/gm)!;
  const lib = readdirSync(join(REAL, 'lib')).find((name) => name.startsWith('python3'))!;
  const packages = join(REAL, 'lib', lib, 'site-packages');
  const sources = readdirSync(SOURCE).filter((name) => name.endsWith('.py'));
  const files: Record<string, string> = {
    '.complete': '',
    'pyvenv.cfg': [...settings, 'include-system-site-packages = false', ''].join('\n'),
    'bin/flwr': FLWR,
    // What the launcher imports while it waits for a plan.
    'imports.txt': 'grpc\ngrpc._server\nconcurrent.futures.thread\n',
    [`lib/${lib}/site-packages/flwr-${version}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: flwr\nVersion: ${version}\n`,
    [`lib/${lib}/site-packages/flwr-${version}.dist-info/entry_points.txt`]:
      '[console_scripts]\nflower-superlink = flwr.daemons:superlink\nflower-supernode = flwr.daemons:supernode\n',
    ...Object.fromEntries(
      sources.map((name) => [
        `lib/${lib}/site-packages/flwr/${name}`,
        readFileSync(join(SOURCE, name), 'utf8'),
      ]),
    ),
  };
  const links = {
    'bin/python': python,
    ...Object.fromEntries(
      ['grpc', 'typing_extensions.py'].map((name) => [
        `lib/${lib}/site-packages/${name}`,
        join(packages, name),
      ]),
    ),
  };
  const key = createHash('sha256')
    .update(JSON.stringify([files, links]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(MADE, `${version}-${key}`);
  if (!existsSync(folder)) make(folder, files, links);
  return folder;
}

/** Under another name first: test files run side by side, and the first of them makes it. */
function make(
  folder: string,
  files: Readonly<Record<string, string>>,
  links: Readonly<Record<string, string>>,
): void {
  mkdirSync(MADE, { recursive: true });
  const beside = mkdtempSync(join(MADE, 'new-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(beside, name, '..'), { recursive: true });
    writeFileSync(join(beside, name), text, { mode: name.startsWith('bin/') ? 0o755 : 0o644 });
  }
  for (const [name, target] of Object.entries(links)) {
    mkdirSync(join(beside, name, '..'), { recursive: true });
    symlinkSync(target, join(beside, name));
  }
  try {
    renameSync(beside, folder);
  } catch (error) {
    rmSync(beside, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}
