// The appliances as the community marketplace gets them.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APPS, BASE, LOGO, listing, UUIDS } from '../../scripts/marketplace/apps.ts';
import { document } from '../../scripts/marketplace/yaml.ts';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { rowOf, type VariableName } from '../../src/config/table.ts';
import { certification, throughFrontEnd } from '../support/certification.ts';

const repository = join(import.meta.dirname, '../..');
const IMAGES = ['flower-superlink', 'flower-supernode'] as const;
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
const PACKAGE = `flower-context_${version}_${architecture}.deb`;
const CONTENT = 'what is in the package';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let scratch = '';
let checkout = '';
/** What is released: the folder and, for who builds, its URL. */
let released = '';

const layOut = (...given: string[]) =>
  spawnSync(process.execPath, [join(repository, 'scripts/marketplace/lay-out.ts'), ...given], {
    encoding: 'utf8',
  });

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'flower-marketplace-'));
  released = join(scratch, 'released');
  mkdirSync(released);
  writeFileSync(join(released, PACKAGE), CONTENT);
  checkout = join(scratch, 'checkout');
  mkdirSync(join(checkout, 'apps-code/community-apps'), { recursive: true });
  writeFileSync(
    join(checkout, 'apps-code/community-apps/Makefile.config'),
    'VERBOSE := 1\n\nSERVICES := lithops rabbitmq\n\n.DEFAULT_GOAL := help\n',
  );
  expect(layOut(checkout, `file://${released}/`, released)).toMatchObject({ status: 0, stderr: '' });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What another YAML reader makes of it. */
const read = (text: string): unknown =>
  JSON.parse(
    execFileSync('python3', ['-c', 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))'], {
      input: text,
      encoding: 'utf8',
    }),
  );
const hasYaml = (() => {
  try {
    execFileSync('python3', ['-c', 'import yaml'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('the layout', () => {
  it('has the files that the marketplace needs for each app', () => {
    for (const app of APPS) {
      const files = readdirSync(join(checkout, 'appliances', app));
      expect(files).toEqual(expect.arrayContaining([`${UUIDS[app]}.yaml`, 'README.md', 'CHANGELOG.md']));
    }
    for (const app of IMAGES) {
      const folder = join(checkout, 'appliances', app);
      expect(readdirSync(folder).sort()).toEqual(
        [
          'CHANGELOG.md',
          'README.md',
          'appliance.sh',
          'context.yaml',
          'install.sh',
          'metadata.yaml',
          'packages.sha256',
          'tests',
          'tests.yaml',
          `${UUIDS[app]}.yaml`,
        ].sort(),
      );
      const tests = [...readFileSync(join(folder, 'tests.yaml'), 'utf8').matchAll(/'(.*\.rb)'/g)].map(
        ([, name]) => name,
      );
      expect(tests.sort()).toEqual(readdirSync(join(folder, 'tests')).sort());
      const packer = readdirSync(join(checkout, 'apps-code/community-apps/packer', app)).sort();
      expect(packer).toEqual(
        [
          '81-configure-ssh.sh',
          '82-configure-context.sh',
          `${app}.pkr.hcl`,
          'gen_context',
          'plugins.pkr.hcl',
          'variables.pkr.hcl',
        ].sort(),
      );
    }
  });

  it('has a logo, its creation time in each listing, and an entry among the builds of the marketplace', () => {
    for (const app of APPS) {
      const text = readFileSync(join(checkout, 'appliances', app, `${UUIDS[app]}.yaml`), 'utf8');
      expect(Number(/^creation_time: (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(1_700_000_000);
      expect(text).toContain(`logo: ${LOGO}\n`);
    }
    expect(
      readFileSync(join(checkout, 'logos', LOGO))
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    // The pull request of another appliance for Flower brings this name.
    expect(LOGO).not.toBe('flower.png');
    const config = (): string =>
      readFileSync(join(checkout, 'apps-code/community-apps/Makefile.config'), 'utf8');
    expect(config()).toContain(
      '\nSERVICES := lithops rabbitmq flower-superlink flower-supernode\n\n.DEFAULT',
    );
    const once = config();
    expect(layOut(checkout, `file://${released}/`, released).status).toBe(0);
    expect(config()).toBe(once);
  });

  it('is refused with a remedy where it could not be built', () => {
    expect(layOut(checkout)).toMatchObject({ status: 64, stderr: expect.stringContaining('CHECKOUT URL') });
    expect(layOut(scratch, 'https://example.org', released)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is not a checkout of the community marketplace'),
    });
    expect(layOut(checkout, 'https://example.org', scratch)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(
        `no package flower-context_${version}_ARCHITECTURE.deb in ${scratch}; make deb`,
      ),
    });
  });

  it('has no digits in the names, which one-apps takes for the version of a system', () => {
    expect(APPS.filter((app) => /\d/.test(app))).toEqual([]);
  });
});

describe('the build from the layout', () => {
  let folders = 0;

  /** `service install`, as the one-apps framework runs it; install.sh notes how it was called and what package it has. */
  function install(prepare: (folder: string) => void = () => undefined) {
    const setup = join(scratch, `setup-${++folders}`);
    const folder = join(setup, 'flower');
    cpSync(join(checkout, 'appliances/flower-supernode'), folder, { recursive: true });
    const note = join(setup, 'note');
    writeFileSync(
      join(folder, 'install.sh'),
      `#!/bin/sh\n{ echo "$@"; cat "$(dirname "$0")"/flower-context_*.deb; } >${note}\n`,
    );
    prepare(folder);
    const script = `set -e; umask 0077; . "$1/appliance.sh"; service_install 2>&1`;
    const { status, stdout } = spawnSync('bash', ['-c', script, 'service', folder], {
      encoding: 'utf8',
      env: { ...process.env, ONE_SERVICE_SETUP_DIR: setup, FLOWER_ROLE: 'supernode' },
    });
    return { status, stdout, installed: existsSync(note) ? readFileSync(note, 'utf8') : undefined };
  }

  it('fetches the package of the release and installs it', () => {
    expect(readFileSync(join(checkout, 'appliances/flower-supernode/packages.sha256'), 'utf8')).toBe(
      `${sha256(CONTENT)}  file://${released}/${PACKAGE}\n`,
    );
    const { status, stdout, installed } = install();
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `fetch the flower-context package: file://${released}/${PACKAGE}\n`,
    });
    expect(installed).toBe(`supernode --framework none\n${CONTENT}`);
  });

  it('installs nothing when the file differs or does not exist', () => {
    try {
      writeFileSync(join(released, PACKAGE), 'something else');
      const other = install();
      expect(other).toMatchObject({ status: 1, installed: undefined });
      expect(other.stdout).toContain(
        `the file at file://${released}/${PACKAGE} has the sha256 ${sha256('something else')}, packages.sha256 expects ${sha256(CONTENT)}; nothing was installed`,
      );
      rmSync(join(released, PACKAGE));
      const missing = install();
      expect(missing).toMatchObject({ status: 1, installed: undefined });
      expect(missing.stdout).toMatch(
        /curl ended with 37 for file:.*copy the package to the folder of install.sh/,
      );
    } finally {
      writeFileSync(join(released, PACKAGE), CONTENT);
    }
  });

  it('uses a package beside install.sh instead, and names a missing one', () => {
    const { status, installed } = install((folder) => {
      rmSync(join(folder, 'packages.sha256'));
      writeFileSync(join(folder, PACKAGE), 'of the builder');
    });
    expect({ status, installed }).toEqual({
      status: 0,
      installed: expect.stringContaining('of the builder'),
    });
    const none = install((folder) =>
      writeFileSync(
        join(folder, 'packages.sha256'),
        `${sha256(CONTENT)}  https://example.org/x_1_other.deb\n`,
      ),
    );
    expect(none).toMatchObject({ status: 1, installed: undefined });
    expect(none.stdout).toContain(`no line for a package *_${architecture}.deb`);
  });

  it('disables needrestart, which would restart the ssh that Packer uses', () => {
    const bin = join(scratch, 'bin');
    mkdirSync(bin);
    const tool = (name: string, text: string): void =>
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    tool('id', 'echo 0');
    tool('dpkg-deb', 'echo 1.2.3');
    tool('dpkg-query', 'exit 1');
    // Fails, so that nothing else is done.
    tool('apt-get', `echo "$1 \${NEEDRESTART_SUSPEND:-no}" >>${bin}/log; exit 1`);
    const { NEEDRESTART_SUSPEND: _, ...env } = process.env;
    const { status } = spawnSync(
      join(repository, 'appliance/install.sh'),
      ['superlink', '--package', join(released, PACKAGE)],
      { env: { ...env, PATH: `${bin}:${env.PATH}` } },
    );
    expect(status).toBe(1);
    expect(readFileSync(join(bin, 'log'), 'utf8')).toBe('install 1\nupdate 1\n');
  });

  it('starts from a base of one-apps, the same in all files', () => {
    const variables = readFileSync(join(repository, 'appliance/packer/flower/variables.pkr.hcl'), 'utf8');
    expect(variables).toContain(`"../one-apps/export/${BASE.name}.qcow2"`);
    for (const app of IMAGES) {
      const read = (file: string): string => readFileSync(join(checkout, 'appliances', app, file), 'utf8');
      expect(read('metadata.yaml')).toContain(`:base: ${BASE.name}\n`);
      expect(read(`${UUIDS[app]}.yaml`)).toContain(`os-id: ${BASE.id}\nos-release: '${BASE.release}'\n`);
      expect(read('CHANGELOG.md')).toContain(`on ${BASE.id} ${BASE.release}`);
    }
  });
});

describe('what is listed', () => {
  const disk = { url: 'https://images.example/x.qcow2', size: 2147483648, md5: 'd4', sha256: '5a' };

  it.skipIf(!hasYaml)('is valid YAML with the same values, also those of the form', () => {
    for (const app of APPS) {
      const value = listing(app, '1.2.3', { at: 1790000000, disk });
      expect(read(document(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }
  });

  it('names version, date, size and checksums of a disk that was built, and none without a disk', () => {
    const built = listing('flower-superlink', '1.2.3', { at: 1790000000, disk }) as Record<string, unknown>;
    expect(built.version).toBe('1.2.3-rel-20260921');
    expect(built.creation_time).toBe(1790000000);
    expect(built.images).toEqual([
      {
        name: 'flower-superlink',
        url: disk.url,
        type: 'OS',
        dev_prefix: 'vd',
        driver: 'qcow2',
        size: 2147483648,
        checksum: { md5: 'd4', sha256: '5a' },
      },
    ]);
    expect((listing('flower-superlink', '1.2.3') as Record<string, unknown>).images).toEqual([]);
  });

  it('asks for the variables of the role with the texts of the table', () => {
    for (const role of ['superlink', 'supernode'] as const) {
      const { opennebula_template } = listing(`flower-${role}`, '1.2.3') as {
        opennebula_template: {
          user_inputs: Record<string, string>;
          inputs_order: string;
          context: Record<string, string>;
        };
      };
      const names = opennebula_template.inputs_order.split(',') as VariableName[];
      expect(Object.keys(opennebula_template.user_inputs)).toEqual(names.map((name) => name.toLowerCase()));
      for (const name of names) {
        expect(opennebula_template.user_inputs[name.toLowerCase()]).toContain(`|${rowOf(name).title}`);
        expect(opennebula_template.context[name.toLowerCase()]).toBe(`$${name}`);
      }
      expect(opennebula_template.user_inputs.flower_version).toBe(
        'O|text|Flower version (empty: what the image has)||',
      );
    }
  });

  it('gives a SuperNode enough memory for PyTorch', () => {
    const { opennebula_template } = listing('flower-supernode', '1.2.3') as {
      opennebula_template: { memory: string };
    };
    expect(Number(opennebula_template.memory)).toBeGreaterThanOrEqual(8192);
  });

  it('names only the tested versions of OpenNebula', () => {
    for (const app of APPS)
      expect((listing(app, '1.2.3') as Record<string, unknown>).opennebula_version).toBe('6.8, 7.0, 7.4');
  });

  it('the service template is that of a single site, with an input for the network', () => {
    const { opennebula_template } = listing('flower-service', '1.2.3') as {
      opennebula_template: { roles: Record<string, string>[]; networks: unknown };
    };
    const { networks, roles, ...listed } = opennebula_template;
    expect(Object.keys(networks as object)).toEqual(['Federation']);
    const single = JSON.parse(
      readFileSync(join(repository, 'appliance/oneflow/single-site.json'), 'utf8'),
    ) as {
      roles: Record<string, string>[];
    };
    const { roles: expected, ...whole } = single;
    expect(listed).toEqual(whole);
    expect(roles).toEqual(
      expected.map(({ vm_template: _, ...role }) => ({
        ...role,
        vm_template_contents: `${role.vm_template_contents}NIC=[\n  NETWORK_ID="$Federation" ]\n`,
      })),
    );
  });

  it('the service has a role for each image by its listed name, and no ids of a zone', () => {
    const service = listing('flower-service', '1.2.3') as {
      roles: Record<string, string>;
      opennebula_template: { roles: { name: string; vm_template?: number; vm_template_contents: string }[] };
    };
    for (const role of service.opennebula_template.roles) {
      expect(service.roles[role.name]).toBe(
        (listing(`flower-${role.name}` as 'flower-superlink', '1') as { name: string }).name,
      );
      expect(role).not.toHaveProperty('vm_template');
      expect(role.vm_template_contents).toContain('NETWORK_ID="$Federation"');
    }
  });
});

describe('what is certified', () => {
  it('uses only variables of the role', () => {
    for (const app of IMAGES) {
      const text = readFileSync(join(checkout, 'appliances', app, 'metadata.yaml'), 'utf8');
      const given = [...text.matchAll(/^ +:([A-Z][A-Z_]+): /gm)].map(([, name]) => name as VariableName);
      expect(given.length).toBeGreaterThan(0);
      for (const name of given) expect(rowOf(name).roles).toContain(app.replace('flower-', ''));
      expect(text).toContain(`:name: ${app}`);
    }
  });

  it('reaches the shell of the VM unchanged through the shell of the front-end', () => {
    // What the marketplace's quoting does to a command that does not consider it.
    expect(throughFrontEnd('grep -q "does match" file')).toBe('grep -q does match file');
    for (const role of ['superlink', 'supernode'] as const)
      for (const { command } of certification(role)) expect(throughFrontEnd(command)).toBe(command);
  });

  it('has change logs, and no file names the Flower of the image: only the package knows it', () => {
    for (const app of IMAGES)
      expect(existsSync(join(checkout, 'appliances', app, 'CHANGELOG.md'))).toBe(true);
    for (const file of readdirSync(checkout, { recursive: true, withFileTypes: true }))
      if (file.isFile() && !/\.(png|deb)$/.test(file.name))
        expect(readFileSync(join(file.parentPath, file.name), 'utf8'), file.name).not.toContain(BAKED_FLOWER);
  });
});
