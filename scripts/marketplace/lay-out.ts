// lay-out.ts CHECKOUT URL [FOLDER]: copies the appliances into a checkout of the OpenNebula community marketplace: the files
// of a pull request there. URL is the address of the released files of FOLDER (dist): the flower-context packages, which the
// image build installs, and the disks of `make image` or Packer if they exist. A disk is listed with size and checksums.
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
import { APPS, type AppName, BASE, type Disk, LOGO, listing, type Release, UUIDS } from './apps.ts';
import { document } from './yaml.ts';

const repository = resolve(import.meta.dirname, '../..');
const from = (...path: string[]): string => join(repository, ...path);
const { version } = JSON.parse(readFileSync(from('package.json'), 'utf8')) as { version: string };

class Refusal extends Error {}

interface Released {
  readonly folder: string;
  readonly url: string;
}

const sum = (algorithm: string, file: string): string =>
  createHash(algorithm).update(readFileSync(file)).digest('hex');

/** The size of the disk in the VM: byte 24 of the qcow2 header. */
function virtualSize(file: string): number {
  const disk = readFileSync(file);
  if (disk.toString('latin1', 0, 4) !== 'QFI\xfb') throw new Refusal(`${file} is not a qcow2 disk`);
  return Number(disk.readBigUInt64BE(24));
}

/** The facts of this release in the listing of an app. */
function release(app: AppName, { folder, url }: Released): Release {
  const file = join(folder, `${app}.qcow2`);
  if (!existsSync(file)) return { at: Math.floor(Date.now() / 1000) };
  const made = process.env.BASE ?? BASE.image;
  if (made !== BASE.image)
    throw new Refusal(
      `${file} is listed as ${BASE.id} ${BASE.release}, but BASE is ${made}; make image marketplace BASE=${BASE.image}, or remove that file to list no disk`,
    );
  const disk: Disk = {
    url: `${url}/${app}-${version}.qcow2`,
    size: virtualSize(file),
    md5: sum('md5', file),
    sha256: sum('sha256', file),
  };
  return { at: Math.floor(statSync(file).mtimeMs / 1000), disk };
}

/** packages.sha256, which appliance.sh reads: one line for each architecture. */
function packages({ folder, url }: Released): string {
  const names = (existsSync(folder) ? readdirSync(folder) : []).filter((name) =>
    new RegExp(`^flower-context_${version.replaceAll('.', '\\.')}_\\w+\\.deb$`).test(name),
  );
  if (names.length === 0)
    throw new Refusal(
      `no package flower-context_${version}_ARCHITECTURE.deb in ${folder}; make deb, or name the folder that has it`,
    );
  return names.map((name) => `${sum('sha256', join(folder, name))}  ${url}/${name}\n`).join('');
}

function layOut(checkout: string, app: AppName, released: Released): void {
  const appliance = join(checkout, 'appliances', app);
  cpSync(from('appliance/marketplace', app), appliance, { recursive: true });
  writeFileSync(
    join(appliance, `${UUIDS[app]}.yaml`),
    document(listing(app, version, release(app, released))),
  );
  if (app === 'flower-service') return;

  copyFileSync(from('appliance/one-appliance/appliance.sh'), join(appliance, 'appliance.sh'));
  copyFileSync(from('appliance/install.sh'), join(appliance, 'install.sh'));
  writeFileSync(join(appliance, 'packages.sha256'), packages(released));

  const packer = join(checkout, 'apps-code/community-apps/packer', app);
  mkdirSync(packer, { recursive: true });
  for (const file of readdirSync(from('appliance/packer/flower')))
    copyFileSync(from('appliance/packer/flower', file), join(packer, file.replace(/^flower\./, `${app}.`)));
}

/** The marketplace builds the appliances in its SERVICES. */
function addServices(checkout: string): void {
  const file = join(checkout, 'apps-code/community-apps/Makefile.config');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const names = /^SERVICES :=(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/);
  if (names === undefined)
    throw new Refusal(
      `${checkout} is not a checkout of the community marketplace: no line "SERVICES := ..." in ${file}`,
    );
  const images = APPS.filter((app) => app !== 'flower-service' && !names.includes(app));
  writeFileSync(file, text.replace(/^SERVICES :=.*$/m, ['SERVICES :=', ...names, ...images].join(' ')));
}

const [checkout, url, folder = from('dist')] = process.argv.slice(2);
if (checkout === undefined || url === undefined) {
  console.error('usage: lay-out.ts CHECKOUT URL [FOLDER]');
  process.exit(64);
}
try {
  addServices(resolve(checkout));
  for (const app of APPS) layOut(resolve(checkout), app, { url: url.replace(/\/$/, ''), folder });
  mkdirSync(join(checkout, 'logos'), { recursive: true });
  copyFileSync(from('appliance/marketplace', LOGO), join(checkout, 'logos', LOGO));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(`lay-out.ts: ${error.message}`);
  process.exit(1);
}
