// OneGate over https, with a CA of the operator's in the system's trust store: through the wrapper that is shipped, in an
// environment that helps with nothing.

import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { issueCa, issueServer } from '../../src/tls/issue.ts';
import { patience } from '../support/load.ts';
import { temporaryFolder } from '../support/zone/test-zone.ts';
import { NODE, REPOSITORY, SHIPPED } from '../support/zone/vm.ts';

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';
const WRAPPER = join(REPOSITORY, 'appliance/bin/flower-context');
const ADDRESS = '127.0.0.1';

const canMount = ((): boolean => {
  try {
    execFileSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

/** A OneGate with a certificate of `ca`; its port. */
async function oneGate(ca: ReturnType<typeof issueCa>): Promise<number> {
  const { certPem, keyPem } = issueServer({ ca, names: { dns: [], ip: [ADDRESS] }, now: new Date() });
  const vm = { VM: { ID: '7', NAME: 'vm', STATE: '3', LCM_STATE: '3', USER_TEMPLATE: {}, TEMPLATE: {} } };
  const server = createServer({ cert: certPem, key: keyPem }, (_request, response) =>
    response.end(JSON.stringify(vm)),
  );
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
  return (server.address() as { port: number }).port;
}

/** What `doctor` finds of OneGate, where the system trusts what is in `bundle`. */
async function doctor(bundle: string, port: number): Promise<string> {
  const folder = temporaryFolder();
  const write = (name: string, text: string): void => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  const context = { VMID: '7', TOKEN: 'YES', ONEGATE_ENDPOINT: `https://${ADDRESS}:${port}` };
  const lines = Object.entries(context).map(([name, value]) => `${name}='${value}'\n`);
  write('root/var/run/one-context/context.sh.network', lines.join(''));
  write('root/var/run/one-context/one_env', 'export TOKENTXT="token"\n');
  write(
    'root/etc/flower-context/appliance.json',
    JSON.stringify({ role: 'superlink', flower: { version: BAKED_FLOWER, framework: 'none' }, user: 'root' }),
  );
  write('bundle', bundle);
  // The files of the package, where the wrapper searches them.
  mkdirSync(join(folder, 'lib/flower-context'), { recursive: true });
  execFileSync('cp', ['-L', NODE, join(folder, 'lib/flower-context/node')]);
  execFileSync('cp', [SHIPPED, join(folder, 'lib/flower-context/flower-context.cjs')]);
  const script = `
    mount -t overlay overlay -o lowerdir=${folder}/lib:/usr/lib /usr/lib
    mount --bind ${folder}/bundle ${BUNDLE}
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin ${WRAPPER} doctor --root ${folder}/root`;
  const { stdout } = await new Promise<{ stdout: string }>((resolve) =>
    execFile(
      'unshare',
      ['--mount', '--propagation', 'private', 'sh', '-ec', script],
      { timeout: patience(30_000) },
      (_error, stdout, stderr) => resolve({ stdout: `${stdout}${stderr}` }),
    ),
  );
  return stdout;
}

describe.runIf(canMount)('a OneGate over https', () => {
  const ca = issueCa({ now: new Date(), commonName: 'CA of the zone' });

  test('is reached when its CA is in the system trust store', async () => {
    const port = await oneGate(ca);
    const bundle = readFileSync(BUNDLE, 'utf8') + ca.certPem;
    expect(await doctor(bundle, port)).toMatch(/OneGate +answers for VM 7/);
  });

  test('is refused when its CA is in no trust store', async () => {
    const port = await oneGate(ca);
    expect(await doctor(readFileSync(BUNDLE, 'utf8'), port)).toMatch(/its certificate is not\s+trusted/);
  });
});
