// The virtual environment that Flower runs in. The image has one. Another version or framework is installed beside it by
// the first boot that asks for it. When that fails, the boot reports it and uses the environment of the image.
import { basename, join } from 'node:path';
import { downloadOf, type Framework, formatSize, neededSpace } from '../config/frameworks.ts';
import type { ImageFacts } from '../config/variable.ts';
import { Problem } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import { textLines } from '../core/text.ts';
import { exists, isExecutable, isOwn, listFolder } from '../host/files.ts';
import type { Host } from '../host/host.ts';
import type { Paths } from '../host/paths.ts';
import { run } from '../host/process.ts';
import { failureOf, forgetFailure, rememberFailure } from './failures.ts';

interface EnvironmentRequest {
  /** Flower's version, X.Y.Z, in a range that a profile supports. */
  readonly wanted: string;
  /** The version in the image. */
  readonly baked: string;
  readonly framework: Framework;
  readonly paths: Paths;
  readonly freeSpaceAt: Host['freeSpaceAt'];
  /** Tries an installation again that has failed on this machine. */
  readonly again?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called before an installation begins, and prevents it by an error. */
  readonly beforeInstall?: (() => void) | undefined;
  /** Called with what is waited for when an installation begins, and with undefined when it ends. */
  readonly onWait?: (wait: { for: string; until: Date; check: string } | undefined) => void;
  /** The longest time for an installation. */
  readonly limitMs?: number;
}

interface FlowerEnvironment {
  /** Absolute path of the folder. */
  readonly path: string;
  /** The Flower that is in it. */
  readonly version: string;
  /** Why it is not the requested one. */
  readonly degraded?: Problem;
}

const LIMIT_MS = 10 * 60_000;

/**
 * The environment to use, installed first when it is not there yet.
 * @throws Problem image_incomplete when the image has none of its own version, and the signal's reason when aborted
 */
export async function ensureEnvironment(request: EnvironmentRequest): Promise<FlowerEnvironment> {
  const { wanted, framework, paths, again = false } = request;
  const installed = installedEnvironment(wanted, framework, paths);
  if (installed !== undefined) return { path: installed, version: wanted };
  const name = `${wanted}-${framework}`;
  const path = join(paths.environments, name);
  const fallback = bakedEnvironment(request);
  const image = basename(fallback);
  const earlier = again ? undefined : failureOf(name, image, paths);
  if (earlier === undefined) request.beforeInstall?.();
  const found = earlier?.found ?? (await install(request, path, fallback));
  // What was stopped has not failed.
  if (found !== undefined) request.signal?.throwIfAborted();
  if (found === undefined) {
    forgetFailure(name, paths);
    return { path, version: wanted };
  }
  if (earlier === undefined) rememberFailure(name, { image, at: new Date().toISOString(), found }, paths);
  const repeated = earlier === undefined ? '' : ` (at ${earlier.at}; a boot does not try it again)`;
  return {
    path: fallback,
    version: request.baked,
    degraded: degradation(request, fallback, `${found}${repeated}`),
  };
}

/** The environment that a boot uses for this version and framework, installed already or not. */
export const environmentPath = (version: string, framework: Framework, paths: Paths): string =>
  installedEnvironment(version, framework, paths) ?? join(paths.environments, `${version}-${framework}`);

/** Without a framework, an environment with any framework will do. */
function installedEnvironment(version: string, framework: Framework, { environments }: Paths) {
  const others = framework === 'none' ? installedNames(environments) : [];
  return [`${version}-${framework}`, ...others]
    .filter((name) => name.startsWith(`${version}-`))
    .map((name) => join(environments, name))
    .find(isComplete);
}

/** The image of this machine, with what was installed beside it: the facts that decide what variables mean. */
export const imageOf = (
  { role, flower }: { readonly role: Role; readonly flower: { version: string; framework: Framework } },
  { environments }: Paths,
): ImageFacts => ({
  role,
  flowerVersion: flower.version,
  framework: flower.framework,
  installed: installedNames(environments),
});

/** Versions of Flower that need no installation. */
export const installedVersions = ({ environments }: Paths): string[] =>
  installedNames(environments).map((name) => name.split('-')[0]!);

/** Names of the complete environments: VERSION-FRAMEWORK. */
const installedNames = (folder: string): string[] =>
  listFolder(folder).filter((name) => isComplete(join(folder, name)));

/**
 * Whether make-env.sh has completed it. Until then it belongs to the user that installs the packages, who may write any
 * mark: what decides is that only the agent's user can change it now.
 */
const isComplete = (path: string): boolean =>
  isOwn(path, 'folder') &&
  isOwn(join(path, 'bin'), 'folder') &&
  isOwn(join(path, '.complete'), 'file') &&
  isExecutable(join(path, 'bin/python')) &&
  !exists(join(path, '.incomplete'));

/** The environment of the image: with the requested framework, else with any. */
function bakedEnvironment({ baked, framework, paths }: EnvironmentRequest): string {
  const found = installedEnvironment(baked, framework, paths) ?? installedEnvironment(baked, 'none', paths);
  if (found !== undefined) return found;
  throw new Problem('image_incomplete', {
    doing: 'searching for the Flower of this image',
    found: `no environment with Flower ${baked} in ${paths.environments}`,
    expected: `${paths.environments}/${baked}-${framework}/bin/python`,
  });
}

function degradation(
  { wanted, baked, framework }: EnvironmentRequest,
  fallback: string,
  found: string,
): Problem {
  const variable = wanted === baked ? 'ML_FRAMEWORK' : 'FLOWER_VERSION';
  return new Problem('flower_install_failed', {
    doing: `installing Flower ${wanted} (${framework})`,
    found,
    expected: `an environment ${wanted}-${framework} in the image, or free disk space and a package index to install it once`,
    remedy: `Flower ${baked} runs from ${fallback}. Free disk space (\`df -h /opt/flower\`) or allow access to the package index, then \`flower-context install\` tries again. Or use an image that has it, or leave ${variable} empty`,
    variable,
  });
}

/** Installs it where there is enough free space. Undefined when it is installed now, else the reason. */
async function install(
  request: EnvironmentRequest,
  path: string,
  fallback: string,
): Promise<string | undefined> {
  const { wanted, framework, paths, signal, onWait, limitMs = LIMIT_MS } = request;
  const free = request.freeSpaceAt(paths.environments)?.bytes;
  const needed = neededSpace(framework);
  if (free !== undefined && free < needed)
    return `it needs ${formatSize(needed)} free at ${paths.environments}, which has ${formatSize(free)}; nothing was downloaded`;
  onWait?.({
    for: `Flower ${wanted} (${framework}) to be installed`,
    until: new Date(Date.now() + limitMs),
    check: `the network to the package index: ${formatSize(downloadOf(framework))} are downloaded. Without FLOWER_VERSION and ML_FRAMEWORK nothing is installed`,
  });
  const result = await run(paths.makeEnvironment, [wanted, framework, path], {
    timeoutMs: limitMs,
    env: { ...process.env, PYTHON: join(fallback, 'bin/python'), PIP_NO_CACHE_DIR: '1', PIP_RETRIES: '2' },
    signal,
  });
  onWait?.(undefined);
  if (result.code === 0 && isComplete(path)) return undefined;
  if (result.timedOut) return `not done within ${Math.round(limitMs / 1000)} s`;
  if (result.failedToStart !== undefined)
    return `${paths.makeEnvironment} could not be started (${result.failedToStart})`;
  const lines = textLines(result.stderr);
  const last = lines.filter((line) => /error/i.test(line)).at(-1) ?? lines.at(-1);
  return last ?? `the installation ended with status ${result.code ?? result.signal}`;
}
