// .ci/run starts this after it has installed Node.js and the npm packages. Images are built while the tests run, because a build
// mostly waits for package indexes. Then containers boot from them.
import { join } from 'node:path';
import { type Part, type PartResult, runPart } from './part.ts';
import { conclude, summary } from './table.ts';

/** CI has 90 minutes: after 80 the run ends, with a count. */
const LIMIT_MINUTES = 80;
const FOLDER = '.cache/ci';

const part = (name: string, what: string, command: string, minutes: number): Part => ({
  name,
  what,
  command,
  minutes,
});

/** Images and containers need root. */
const asRoot = process.getuid?.() === 0 ? '' : 'sudo -n -E ';

const BUILD = part('build', 'the agent and Flower', 'make --no-print-directory -j2 build flower', 1);
const TEST = part('test', 'the test command of the README', 'make --no-print-directory test', 10);
const IMAGES = part(
  'images',
  'images for containers, beside the tests',
  `${asRoot}nice make --no-print-directory e2e-images`,
  5,
);
const CONTAINERS = part(
  'containers',
  'the images under real systemd',
  `${asRoot}make --no-print-directory e2e-containers`,
  10,
);

const began = Number(process.env.CI_BEGAN ?? Date.now() / 1000) * 1000;
const deadline = began + LIMIT_MINUTES * 60_000;
const options = { folder: FOLDER, deadline };

const results: PartResult[] = [
  {
    name: 'install',
    seconds: Math.round((Date.now() - began) / 1000),
    count: { passed: 0, failed: 0, skipped: 0 },
    files: [],
  },
];
/** A part without tests can fail, but is not counted as passed. */
const noTest = (result: PartResult): PartResult => ({ ...result, count: { ...result.count, passed: 0 } });

results.push(noTest(await runPart(BUILD, options)));
const images = runPart(IMAGES, { ...options, shown: false });
results.push(await runPart(TEST, options));
const built = noTest(await images);
results.push(built);
if (built.count.failed > 0) console.log(`the images could not be built: see ${join(FOLDER, 'images.log')}`);
results.push(await runPart(CONTAINERS, options));
process.exitCode = conclude(summary(results, (Date.now() - began) / 1000));
