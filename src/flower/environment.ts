// The virtual environment that Flower runs in. The baked one is there; another version or framework is installed beside
// it at boot, and what cannot be installed in time is not used: the baked one runs and the boot says so.
import { join } from 'node:path';
import { exists, isExecutable, listFolder } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { run } from '../host/process.ts';
import { Problem } from '../status/problem.ts';

export interface EnvironmentWish {
  /** Flower's version, X.Y.Z, in a range that a profile knows. */
  readonly wanted: string;
  /** The version in the image. */
  readonly baked: string;
  readonly framework: string;
  readonly paths: Paths;
  readonly signal?: AbortSignal;
  /** Told what is waited for while it is installed, then undefined. */
  readonly onWait?: (wait: { for: string; until: Date; check: string } | undefined) => void;
  /** The longest an installation may take. */
  readonly limitMs?: number;
}

export interface FlowerEnvironment {
  /** Absolute path of the environment's folder. */
  readonly path: string;
  /** The Flower that is in it. */
  readonly version: string;
  /** Why it is not the one that was wished for. */
  readonly degraded?: Problem;
}

const LIMIT_MS = 10 * 60_000;

/**
 * The environment to use, installed if need be.
 * @throws Problem image_incomplete when not even the baked one is there
 */
export async function ensureEnvironment(wish: EnvironmentWish): Promise<FlowerEnvironment> {
  const { wanted, framework, paths } = wish;
  const path = join(paths.environments, `${wanted}-${framework}`);
  if (usable(path)) return { path, version: wanted };
  const fallback = bakedEnvironment(wish);
  const found = await install(wish, path, join(fallback, 'bin/python'));
  if (found === undefined) return { path, version: wanted };
  const versionIsTheWish = wanted !== wish.baked;
  return {
    path: fallback,
    version: wish.baked,
    degraded: new Problem('flower_install_failed', {
      doing: `installing Flower ${wanted} (${framework})`,
      found,
      expected: `an environment at ${path}`,
      remedy: `Flower ${wish.baked} runs from ${fallback}; check the network to the package index, or leave ${versionIsTheWish ? 'FLOWER_VERSION' : 'ML_FRAMEWORK'} empty`,
      variable: versionIsTheWish ? 'FLOWER_VERSION' : 'ML_FRAMEWORK',
    }),
  };
}

/** Names of the environments that are there and whole: VERSION-FRAMEWORK. */
export const installedEnvironments = (folder: string): string[] =>
  listFolder(folder).filter((name) => usable(join(folder, name)));

/** Whether it is there and whole: one whose installation was cut off still has the mark of it (make-env.sh). */
const usable = (path: string): boolean =>
  isExecutable(join(path, 'bin/python')) && !exists(join(path, '.incomplete'));

/** The baked version's environment: with the framework wished for, else whichever the image has. */
function bakedEnvironment({ baked, framework, paths }: EnvironmentWish): string {
  const names = [
    `${baked}-${framework}`,
    ...listFolder(paths.environments).filter((name) => name.startsWith(`${baked}-`)),
  ];
  const found = names.map((name) => join(paths.environments, name)).find((path) => usable(path));
  if (found !== undefined) return found;
  throw new Problem('image_incomplete', {
    doing: 'looking for the Flower of this image',
    found: `no environment with Flower ${baked} in ${paths.environments}`,
    expected: `${paths.environments}/${baked}-${framework}/bin/python`,
  });
}

/** Undefined when it is there now, else why not. */
async function install(wish: EnvironmentWish, path: string, python: string): Promise<string | undefined> {
  const { wanted, framework, paths, signal, onWait, limitMs = LIMIT_MS } = wish;
  onWait?.({
    for: `Flower ${wanted} (${framework}) to be installed`,
    until: new Date(Date.now() + limitMs),
    check: 'the network to the package index; no FLOWER_VERSION means no installation',
  });
  const result = await run(paths.makeEnvironment, [wanted, framework, path], {
    timeoutMs: limitMs,
    env: { ...process.env, PYTHON: python, PIP_NO_CACHE_DIR: '1', PIP_RETRIES: '2' },
    ...(signal === undefined ? {} : { signal }),
  });
  onWait?.(undefined);
  if (result.code === 0 && usable(path)) return undefined;
  if (result.timedOut) return `not done within ${Math.round(limitMs / 1000)} s`;
  if (result.failedToStart !== undefined)
    return `${paths.makeEnvironment} could not be started (${result.failedToStart})`;
  const lines = result.stderr.split('\n').filter((line) => line.trim() !== '');
  const last = lines.filter((line) => /error/i.test(line)).at(-1) ?? lines.at(-1);
  return last?.trim().slice(0, 300) ?? `the installation ended with status ${result.code ?? result.signal}`;
}
