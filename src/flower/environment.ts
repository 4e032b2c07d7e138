// The virtual environment that Flower runs in. The baked one is there; another version or framework is installed beside
// it at boot, once, where the disk has room for it. What cannot be installed is not used: the baked one runs and the boot
// says so.
import { basename, join } from 'node:path';
import { downloadOf, type Framework, formatSize, neededSpace } from '../config/frameworks.ts';
import type { ImageFacts } from '../config/variable.ts';
import { Problem } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import { roomAt } from '../host/disk.ts';
import { exists, isExecutable, listFolder } from '../host/files.ts';
import type { Host } from '../host/host.ts';
import type { Paths } from '../host/paths.ts';
import { run } from '../host/process.ts';
import { failureOf, forgetFailure, rememberFailure } from './failures.ts';

export interface EnvironmentRequest {
  /** Flower's version, X.Y.Z, in a range that a profile knows. */
  readonly wanted: string;
  /** The version in the image. */
  readonly baked: string;
  readonly framework: Framework;
  readonly paths: Paths;
  readonly roomAt?: Host['roomAt'];
  /** An installation that has failed here is tried again. */
  readonly again?: boolean;
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
export async function ensureEnvironment(wish: EnvironmentRequest): Promise<FlowerEnvironment> {
  const { wanted, framework, paths, again = false } = wish;
  const there = environmentWith(wanted, framework, paths);
  if (there !== undefined) return { path: there, version: wanted };
  const name = `${wanted}-${framework}`;
  const fallback = bakedEnvironment(wish);
  const image = basename(fallback);
  const earlier = again ? undefined : failureOf(name, image, paths);
  const failure = earlier ?? (await attempt(wish, join(paths.environments, name), fallback));
  if (failure === undefined) {
    forgetFailure(name, paths);
    return { path: join(paths.environments, name), version: wanted };
  }
  if (earlier === undefined && !wish.signal?.aborted)
    rememberFailure(name, { image, at: new Date().toISOString(), ...failure }, paths);
  return { path: fallback, version: wish.baked, degraded: degradation(wish, fallback, failure) };
}

/** The environment that a boot uses for this version and framework, installed already or not. */
export const environmentPath = (version: string, framework: Framework, paths: Paths): string =>
  environmentWith(version, framework, paths) ?? join(paths.environments, `${version}-${framework}`);

/** An installed one with this version and framework; any framework will do where none is asked for. */
function environmentWith(version: string, framework: Framework, paths: Paths): string | undefined {
  const names = [
    `${version}-${framework}`,
    ...(framework === 'none' ? installedEnvironments(paths.environments) : []),
  ];
  return names
    .filter((name) => name.startsWith(`${version}-`))
    .map((name) => join(paths.environments, name))
    .find((path) => usable(path));
}

function degradation(
  { wanted, baked, framework }: EnvironmentRequest,
  fallback: string,
  { found, at }: { readonly found: string; readonly at?: string },
): Problem {
  const variable = wanted === baked ? 'ML_FRAMEWORK' : 'FLOWER_VERSION';
  return new Problem('flower_install_failed', {
    doing: `installing Flower ${wanted} (${framework})`,
    found: at === undefined ? found : `${found} (at ${at}; a boot does not try it again)`,
    expected: `an environment ${wanted}-${framework} in the image, or room and a package index to install it once`,
    remedy: `Flower ${baked} runs from ${fallback}. Make room (\`df -h /opt/flower\`) or open the way to the package index, then \`flower-context install\` tries again; or use an image that has it; or leave ${variable} empty`,
    variable,
  });
}

/** Installs it where there is room for it. Undefined when it is there now, else why not. */
async function attempt(
  wish: EnvironmentRequest,
  path: string,
  fallback: string,
): Promise<{ readonly found: string } | undefined> {
  const { environments } = wish.paths;
  const free = (wish.roomAt ?? roomAt)(environments)?.bytes;
  const needed = neededSpace(wish.framework);
  const found =
    free !== undefined && free < needed
      ? `it needs ${formatSize(needed)} free at ${environments}, which has ${formatSize(free)}; nothing was downloaded`
      : await install(wish, path, join(fallback, 'bin/python'));
  return found === undefined ? undefined : { found };
}

/** The image of this machine, with what was installed beside it, as the variables are judged by it. */
export const imageOf = (
  { role, flower }: { readonly role: Role; readonly flower: { version: string; framework: Framework } },
  { environments }: Paths,
): ImageFacts => ({
  role,
  flowerVersion: flower.version,
  framework: flower.framework,
  installed: installedEnvironments(environments),
});

/** Names of the environments that are there and whole: VERSION-FRAMEWORK. */
const installedEnvironments = (folder: string): string[] =>
  listFolder(folder).filter((name) => usable(join(folder, name)));

/** Whether it is there and whole: one whose installation was cut off still has the mark of it (make-env.sh). */
const usable = (path: string): boolean =>
  isExecutable(join(path, 'bin/python')) && !exists(join(path, '.incomplete'));

/** The baked version's environment: with the framework wished for, else whichever the image has. */
function bakedEnvironment({ baked, framework, paths }: EnvironmentRequest): string {
  const found = environmentWith(baked, framework, paths) ?? environmentWith(baked, 'none', paths);
  if (found !== undefined) return found;
  throw new Problem('image_incomplete', {
    doing: 'looking for the Flower of this image',
    found: `no environment with Flower ${baked} in ${paths.environments}`,
    expected: `${paths.environments}/${baked}-${framework}/bin/python`,
  });
}

/** Undefined when it is there now, else why not. */
async function install(wish: EnvironmentRequest, path: string, python: string): Promise<string | undefined> {
  const { wanted, framework, paths, signal, onWait, limitMs = LIMIT_MS } = wish;
  onWait?.({
    for: `Flower ${wanted} (${framework}) to be installed`,
    until: new Date(Date.now() + limitMs),
    check: `the network to the package index, from which ${formatSize(downloadOf(framework))} are downloaded; without FLOWER_VERSION and ML_FRAMEWORK nothing is installed`,
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
