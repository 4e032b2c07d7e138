// lay-out.ts CHECKOUT [URL]: puts the appliances into a checkout of the OpenNebula community marketplace, where its layout
// wants them. With a URL, the disks in dist (`make image`, or what Packer made) are listed as to be found below it, with
// size and checksums as they are now. The package of dist is put beside install.sh, for Packer to find; it is not for the
// marketplace's repository.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { APPS, type AppName, type Disk, listing, type Release, UUIDS } from './apps.ts';
import { document } from './yaml.ts';

const repository = resolve(import.meta.dirname, '../..');
const from = (...path: string[]): string => join(repository, ...path);
const { version } = JSON.parse(readFileSync(from('package.json'), 'utf8')) as { version: string };

/** How large the disk is that a VM sees: the qcow2 header has it at byte 24. */
function virtualSize(disk: Buffer): number {
  if (disk.toString('latin1', 0, 4) !== 'QFI\xfb') throw new Error('not a qcow2 disk');
  return Number(disk.readBigUInt64BE(24));
}

function release(app: AppName, url: string): Release | undefined {
  if (app === 'flower-service') return { at: Math.floor(Date.now() / 1000) };
  const file = from('dist', `${app}.qcow2`);
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const sum = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
  const disk: Disk = {
    url: `${url.replace(/\/$/, '')}/${app}-${version}.qcow2`,
    size: virtualSize(bytes),
    md5: sum('md5'),
    sha256: sum('sha256'),
  };
  return { at: Math.floor(statSync(file).mtimeMs / 1000), disk };
}

function layOut(checkout: string, app: AppName, url: string | undefined): void {
  const appliance = join(checkout, 'appliances', app);
  cpSync(from('appliance/marketplace', app), appliance, { recursive: true });
  const built = url === undefined ? undefined : release(app, url);
  if (built !== undefined)
    writeFileSync(join(appliance, `${UUIDS[app]}.yaml`), document(listing(app, version, built)));
  if (app === 'flower-service') return;

  copyFileSync(from('appliance/one-appliance/appliance.sh'), join(appliance, 'appliance.sh'));
  copyFileSync(from('appliance/install.sh'), join(appliance, 'install.sh'));
  const dist = existsSync(from('dist')) ? readdirSync(from('dist')) : [];
  for (const file of dist.filter((name) => /^flower-context_.*\.deb$/.test(name)))
    copyFileSync(from('dist', file), join(appliance, file));

  const packer = join(checkout, 'apps-code/community-apps/packer', app);
  mkdirSync(packer, { recursive: true });
  for (const file of readdirSync(from('appliance/packer/flower')))
    copyFileSync(from('appliance/packer/flower', file), join(packer, file.replace(/^flower\./, `${app}.`)));
}

const [checkout, url] = process.argv.slice(2);
if (checkout === undefined) {
  console.error('usage: lay-out.ts CHECKOUT [URL]');
  process.exit(64);
}
for (const app of APPS) layOut(resolve(checkout), app, url);
