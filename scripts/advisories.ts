// Asks an advisory database about every package of every lock file: those of npm, and those of each Flower version.
// usage: advisories.ts [ADDRESS of a database with the interface of OSV]. Status 0: none is known, 1: some are, 2: no answer.
import { globSync, readFileSync } from 'node:fs';
import * as z from 'zod';

const DATABASE = process.argv[2] ?? process.env.ADVISORY_DATABASE ?? 'https://api.osv.dev';
/** OSV's own limit of one request. */
const MOST = 1_000;

interface Package {
  readonly ecosystem: 'npm' | 'PyPI';
  readonly name: string;
  readonly version: string;
  readonly lockFile: string;
}

const npmLock = z.object({ packages: z.record(z.string(), z.object({ version: z.optional(z.string()) })) });

function ofNpm(lockFile: string): Package[] {
  const { packages } = npmLock.parse(JSON.parse(readFileSync(lockFile, 'utf8')));
  return Object.entries(packages).flatMap(([path, { version }]) =>
    path === '' || version === undefined
      ? []
      : [{ ecosystem: 'npm' as const, name: path.replace(/^.*node_modules\//, ''), version, lockFile }],
  );
}

function ofPython(lockFile: string): Package[] {
  const lines = readFileSync(lockFile, 'utf8').matchAll(/^([A-Za-z0-9._-]+)==([^\s;\\]+)/gm);
  return [...lines].map(([, name, version]) => ({
    ecosystem: 'PyPI' as const,
    name: name!,
    // A wheel for another processor or GPU is the same version to an advisory.
    version: version!.replace(/\+.*$/, ''),
    lockFile,
  }));
}

const answer = z.object({
  results: z.array(z.object({ vulns: z.optional(z.array(z.object({ id: z.string() }))) })),
});

/** The ids of the advisories of each package, in the order of `packages`. */
async function ask(packages: readonly Package[]): Promise<string[][]> {
  const queries = packages.map(({ ecosystem, name, version }) => ({ package: { ecosystem, name }, version }));
  const reply = await fetch(`${DATABASE}/v1/querybatch`, {
    method: 'POST',
    body: JSON.stringify({ queries }),
    signal: AbortSignal.timeout(60_000),
  });
  if (!reply.ok) throw new Error(`it answered ${reply.status} ${reply.statusText}`);
  const { results } = answer.parse(await reply.json());
  if (results.length !== packages.length)
    throw new Error(`it gave ${results.length} answers to ${packages.length} questions`);
  return results.map(({ vulns = [] }) => vulns.map(({ id }) => id));
}

const lockFiles = ['package-lock.json', ...globSync('appliance/flower/**/*.txt').sort()];
const all = lockFiles.flatMap((file) => (file.endsWith('.json') ? ofNpm(file) : ofPython(file)));
const keyOf = ({ ecosystem, name, version }: Package): string => `${ecosystem} ${name} ${version}`;
const packages = [...new Map(all.map((one) => [keyOf(one), one])).values()];

try {
  let known = 0;
  for (let from = 0; from < packages.length; from += MOST) {
    const some = packages.slice(from, from + MOST);
    const advisories = await ask(some);
    for (const [index, ids] of advisories.entries()) {
      if (ids.length === 0) continue;
      known++;
      const files = all.filter((one) => keyOf(one) === keyOf(some[index]!)).map(({ lockFile }) => lockFile);
      console.log(`${keyOf(some[index]!)} (${files.join(', ')}): ${ids.join(' ')}`);
    }
  }
  console.log(
    `${packages.length} packages of ${lockFiles.length} lock files: ${known === 0 ? 'no advisory is' : `advisories about ${known} are`} known to ${DATABASE}`,
  );
  process.exitCode = known === 0 ? 0 : 1;
} catch (error) {
  const { message, cause } = error as Error;
  const why = cause instanceof Error ? `${message} (${cause.message})` : message;
  console.error(
    `the lock files were NOT compared with an advisory database.\n  asked: ${DATABASE}\n  found: ${why}\n  what to do: run \`make advisories\` where this address can be reached, or set ADVISORY_DATABASE to another one`,
  );
  process.exitCode = 2;
}
