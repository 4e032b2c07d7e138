// ML_FRAMEWORK on a VM whose image has none: how the boot handles it, on both roles.

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { fakeEnvironment } from '../support/zone/fake-flwr.ts';
import { superlink, supernode } from '../support/zone/test-zone.ts';
import { REPOSITORY, type Vm } from '../support/zone/vm.ts';

const SMALL_DISK = { freeMb: 1_300 };

/** The script that installs, with the files that a package index would supply. */
function indexFor(vm: Vm): void {
  const lib = join(REPOSITORY, 'appliance/lib');
  const ours = vm.at('usr/lib/flower-context');
  rmSync(ours);
  mkdirSync(join(ours, 'flower'), { recursive: true });
  for (const name of readdirSync(lib)) if (name !== 'flower') symlinkSync(join(lib, name), join(ours, name));
  writeFileSync(
    join(ours, 'flower/make-env.sh'),
    `#!/bin/sh\necho "$*" >>'${vm.at('installations')}'\nln -s '${fakeEnvironment(BAKED_FLOWER)}' "$3"\n`,
    { mode: 0o755 },
  );
}

const environmentOf = (vm: Vm): string => basename(readlinkSync(vm.at('run/flower-context/env')));

test('a SuperNode without free space for PyTorch is ready at once with the environment of the image, and reports it', async () => {
  const { federation, vm: coordinator } = await superlink();
  await coordinator.whenReady();
  const FL_SUPERLINK_ADDRESS = String(federation.seenBy(coordinator).userTemplate.get('FL_ENDPOINT'));
  const FL_SSL_CA_CERTFILE = (await coordinator.cli('ca', '--base64')).stdout.trim();
  const { vm, one } = await supernode(
    {},
    { ML_FRAMEWORK: 'pytorch', FL_SUPERLINK_ADDRESS, FL_SSL_CA_CERTFILE },
    { ...SMALL_DISK, prepare: indexFor },
  );
  const status = await vm.whenReady(30_000);
  expect(environmentOf(vm)).toBe(`${BAKED_FLOWER}-none`);
  expect(status.problems.map(({ code }) => code)).toEqual(['config_suspicious', 'flower_install_failed']);
  expect(status.problems[1]).toMatchObject({
    kind: 'degraded',
    variable: 'ML_FRAMEWORK',
    found: expect.stringMatching(/^it needs 9\.6 GB free at \S+, which has 1\.3 GB; nothing was downloaded$/),
    remedy: expect.stringContaining('`flower-context install` tries again'),
  });
  expect(one.userTemplate.get('FL_ERROR')).toBe('flower_install_failed');
  expect(readdirSync(vm.root)).not.toContain('installations');
});

test('`flower-context install` installs the framework once there is free space, and Flower runs from it', async () => {
  const { vm } = await superlink({ ML_FRAMEWORK: 'pytorch' }, { ...SMALL_DISK, prepare: indexFor });
  await vm.whenReady();
  const small = await vm.cli('install');
  expect(small).toMatchObject({ code: 1, stderr: expect.stringContaining('flower_install_failed') });

  vm.growDisk(20_000);
  await vm.systemctl('restart', 'flower-context');
  const { problems } = await vm.whenReady();
  expect(problems.map(({ found }) => found).join()).toContain('a boot does not try it again');

  const { code, stdout, stderr } = await vm.cli('install');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    /^waiting for Flower 1\.39\.0 \(pytorch\)[\s\S]*\nFlower 1\.39\.0 is in \S+1\.39\.0-pytorch\n$/,
  );
  await vm.waitFor('a boot without degradation', (now) => now.phase === 'ready' && now.problems.length === 0);
  expect(environmentOf(vm)).toBe(`${BAKED_FLOWER}-pytorch`);
});

test('while Flower is installed for a changed CONTEXT, the ready script does not answer for the one before', async () => {
  const { vm } = await superlink({}, { freeMb: 20_000, prepare: indexFor });
  await vm.whenReady();
  expect((await vm.cli('ready', '--timeout', '0')).code).toBe(0);
  const script = vm.at('usr/lib/flower-context/flower/make-env.sh');
  const go = vm.at('go');
  const held = `#!/bin/sh\nuntil [ -e '${go}' ]; do sleep 0.05; done\n`;
  writeFileSync(script, readFileSync(script, 'utf8').replace('#!/bin/sh\n', held));
  await vm.recontextualize({ ML_FRAMEWORK: 'sklearn' });
  await vm.waitFor('the installation', ({ waiting }) => waiting?.for.includes('sklearn'));
  // Flower serves all the time, with the settings of before.
  expect(vm.flowerLink()?.phase).toBe('serving');
  expect(await vm.cli('ready', '--timeout', '0')).toMatchObject({
    code: 3,
    stdout: expect.stringMatching(/^not ready yet: .*sklearn/),
  });
  expect((await vm.cli('status')).code).toBe(3);
  writeFileSync(go, '');
  await vm.whenReady(30_000);
  expect(environmentOf(vm)).toBe(`${BAKED_FLOWER}-sklearn`);
  expect((await vm.cli('ready')).code).toBe(0);
});

test('a SuperLink gets the framework too, because ServerApps import it', async () => {
  const { vm } = await superlink(
    { ML_FRAMEWORK: 'sklearn' },
    {
      prepare: (machine) => {
        const path = machine.at(`opt/flower/envs/${BAKED_FLOWER}-sklearn`);
        mkdirSync(dirname(path), { recursive: true });
        symlinkSync(fakeEnvironment(BAKED_FLOWER), path);
      },
    },
  );
  expect((await vm.whenReady()).problems).toEqual([]);
  expect(environmentOf(vm)).toBe(`${BAKED_FLOWER}-sklearn`);
});

test("FL_DCGM_ENABLED starts the unit of NVIDIA's package", async () => {
  const { vm } = await supernode(
    { FL_READY: 'YES', FL_ENDPOINT: '127.0.0.1:1', FL_TLS: 'NO' },
    { FL_DCGM_ENABLED: 'YES', FL_GPU_ENABLED: 'YES' },
    {
      prepare: (machine) =>
        writeFileSync(
          machine.at('etc/systemd/system/nvidia-dcgm-exporter.service'),
          '[Service]\nExecStart=/bin/sleep 600\n',
        ),
    },
  );
  const { problems } = await vm.waitFor('the plan', ({ steps }) =>
    steps.some(({ id, state }) => id === 'launch_plan' && state !== 'running' && state !== 'pending'),
  );
  expect(problems.map(({ code }) => code)).not.toContain('dcgm_unavailable');
  expect((await vm.unit('nvidia-dcgm-exporter')).ActiveState).toMatch(/^activ/);
});
