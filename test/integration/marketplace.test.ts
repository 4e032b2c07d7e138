// The appliances as the community marketplace gets them.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APPS, listing, UUIDS } from '../../scripts/marketplace/apps.ts';
import { document } from '../../scripts/marketplace/yaml.ts';
import { BAKED_FLOWER } from '../../src/params/release.ts';
import { rowOf, type VariableName } from '../../src/params/table.ts';

const repository = join(import.meta.dirname, '../..');
const IMAGES = ['flower-superlink', 'flower-supernode'] as const;
let checkout = '';

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'flower-marketplace-'));
  execFileSync(process.execPath, [join(repository, 'scripts/marketplace/lay-out.ts'), checkout]);
});
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

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
  it('has for each app what the marketplace looks for', () => {
    for (const app of APPS) {
      const files = readdirSync(join(checkout, 'appliances', app));
      expect(files).toEqual(expect.arrayContaining([`${UUIDS[app]}.yaml`, 'README.md', 'CHANGELOG.md']));
    }
    for (const app of IMAGES) {
      const folder = join(checkout, 'appliances', app);
      expect(readdirSync(folder)).toEqual(
        expect.arrayContaining(['appliance.sh', 'install.sh', 'metadata.yaml', 'tests.yaml', 'tests']),
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

  it('has no digits in the names, which one-apps takes for the version of a system', () => {
    expect(APPS.filter((app) => /\d/.test(app))).toEqual([]);
  });
});

describe('what is listed', () => {
  const disk = { url: 'https://images.example/x.qcow2', size: 2147483648, md5: 'd4', sha256: '5a' };

  it.skipIf(!hasYaml)('is read by others as it was meant, the values of the form to the last bar', () => {
    for (const app of APPS) {
      const value = listing(app, '1.2.3', { at: 1790000000, disk });
      expect(read(document(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }
  });

  it('names version, day, size and checksums of a disk that was built, and none where there is none', () => {
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

  it('asks for what the table has for the role, with the words of the table', () => {
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

  it('the service has a role for each image, by the name it is listed under, and no ids of this or that zone', () => {
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
  it('is given only variables that the role knows', () => {
    for (const app of IMAGES) {
      const text = readFileSync(join(checkout, 'appliances', app, 'metadata.yaml'), 'utf8');
      const given = [...text.matchAll(/^ +:([A-Z][A-Z_]+): /gm)].map(([, name]) => name as VariableName);
      expect(given.length).toBeGreaterThan(0);
      for (const name of given) expect(rowOf(name).roles).toContain(app.replace('flower-', ''));
      expect(text).toContain(`:name: ${app}`);
    }
  });

  it('the change logs speak of the Flower that is baked', () => {
    for (const app of IMAGES) {
      expect(existsSync(join(checkout, 'appliances', app, 'CHANGELOG.md'))).toBe(true);
      expect(readFileSync(join(checkout, 'appliances', app, 'CHANGELOG.md'), 'utf8')).toContain(
        `Flower ${BAKED_FLOWER}`,
      );
    }
  });
});
