// Real Flower for tests: virtual environments in .cache/envs, built once by the appliance's own script,
// which lets test files that run side by side wait for each other.
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/host/process.ts';

const REPOSITORY = join(import.meta.dirname, '../..');

/** How long the first use may take: downloads some 100 MB. For `beforeAll`. */
export const FLOWER_ENV_TIMEOUT_MS = 900_000;

/** The folder of an environment with this Flower and numpy; built when it is not there. */
export async function flowerEnvironment(version: string): Promise<string> {
  const folder = join(REPOSITORY, '.cache/envs', `${version}-none`);
  const script = join(REPOSITORY, 'appliance/flower/make-env.sh');
  const { code, stderr } = await run(script, [version, 'none', folder], {
    timeoutMs: FLOWER_ENV_TIMEOUT_MS,
    // The Python of a developer may be in a home directory, where no other user reads.
    env: { ...process.env, BUILD_USER: userInfo().username },
  });
  if (code !== 0) throw new Error(`Flower ${version} could not be installed into ${folder}:\n${stderr}`);
  return folder;
}
