// The Packer files, as far as Packer itself judges them without building anything.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');
const version = /v(\d+)\.(\d+)/.exec(spawnSync('packer', ['version'], { encoding: 'utf8' }).stdout ?? '');
/** Newer ones need their plugins downloaded first. */
const packer16 = version !== null && Number(version[1]) === 1 && Number(version[2]) < 7;
let scratch = '';

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'flower-packer-'));
  const files = join(scratch, 'flower-superlink');
  cpSync(join(repository, 'appliance/packer/flower'), files, { recursive: true });
  rmSync(join(files, 'plugins.pkr.hcl'));
  const sources = join(scratch, 'sources');
  cpSync(join(repository, 'appliance/one-appliance'), sources, { recursive: true });
  cpSync(join(repository, 'appliance/install.sh'), join(sources, 'install.sh'));
  writeFileSync(join(scratch, 'base.qcow2'), '');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const packer = (command: string, variables: Record<string, string>) => {
  const args = Object.entries(variables).flatMap(([name, value]) => ['-var', `${name}=${value}`]);
  return spawnSync('packer', [command, ...args, join(scratch, 'flower-superlink')], {
    cwd: scratch,
    encoding: 'utf8',
    env: { ...process.env, CHECKPOINT_DISABLE: '1' },
  });
};

describe.skipIf(!packer16)("Debian's Packer", () => {
  const given = (): Record<string, string> => ({
    appliance_name: 'flower-superlink',
    input_dir: join(scratch, 'flower-superlink'),
    output_dir: join(scratch, 'output'),
    base: join(scratch, 'base.qcow2'),
    sources: join(scratch, 'sources'),
    framework_dir: join(repository, 'test/support/one-appliance'),
    postprocess: join(repository, 'test/packer/postprocess.sh'),
  });

  it('finds the templates valid', () => {
    const { status, stdout, stderr } = packer('validate', given());
    expect({ status, said: `${stdout}${stderr}` }).toMatchObject({ status: 0 });
  });

  it('accepts the arguments that build.sh of one-apps passes for each appliance', () => {
    const passed = { ...given(), distro: 'debian', version: '13', headless: 'true', arch: 'x86_64' };
    expect(packer('validate', passed).status).toBe(0);
  });

  it('finds them formatted by its own rules', () => {
    const { status } = spawnSync('packer', ['fmt', '-check', join(repository, 'appliance/packer/flower')]);
    expect(status).toBe(0);
  });
});

describe('the CONTEXT for the build', () => {
  it('lets Packer log in with its password, and the end of the build closes that access', () => {
    const text = execFileSync(join(repository, 'appliance/packer/flower/gen_context'), ['pass-word'], {
      encoding: 'utf8',
    });
    expect(text).toContain("PASSWORD='pass-word'\n");
    const script = Buffer.from(/START_SCRIPT_BASE64='(.*)'/.exec(text)![1]!, 'base64').toString();
    expect(script).toContain('PermitRootLogin yes');
    const removed = readFileSync(join(repository, 'appliance/packer/flower/81-configure-ssh.sh'), 'utf8');
    for (const [file] of script.matchAll(/\/etc\/ssh\/sshd_config\.d\/[\w.-]+\.conf/g))
      expect(removed).toContain(file);
  });
});
