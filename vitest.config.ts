import { defineConfig } from 'vitest/config';
import { measureLoad } from './test/support/load.ts';

const MINUTES = 60_000;

/** Integration tests mostly wait for processes: more workers than cores. Each worker has its own addresses. */
const WAITING_WORKERS = 4;

// CI repeats a failed test once, except tests without processes. The report names every test that passed only on the retry;
// more than three of them fail the run (test/ci/table.ts).
const retry = process.env.CI ? 1 : 0;

export default defineConfig(async () => {
  process.env.LOAD_FACTOR ??= String(await measureLoad());
  const load = Number(process.env.LOAD_FACTOR);
  console.log(
    `load: this machine is ${load} times as slow as a quiet one; limits of waits are multiplied by it`,
  );
  /** Only a test that hangs reaches these limits: each wait inside a test has its own limit (test/support/load.ts). */
  const limits = (minutes: number) => ({
    testTimeout: minutes * MINUTES * load,
    hookTimeout: minutes * MINUTES * load,
  });

  return {
    define: { FLOWER_CONTEXT_VERSION: JSON.stringify('0.0.0-test') },
    test: {
      reporters: process.env.CI ? ['default', './test/ci/reporter.ts'] : ['default'],
      projects: [
        {
          extends: true,
          test: {
            name: 'unit',
            include: ['test/unit/**/*.test.ts'],
            // No processes, no names, no writes outside a temporary folder.
            setupFiles: ['test/support/sealed.ts'],
            ...limits(5),
            maxWorkers: 2,
            sequence: { groupOrder: 0 },
          },
        },
        {
          extends: true,
          test: {
            // The agent's code in many simulations, on a clock that the test advances; no agent process.
            name: 'simulation',
            include: ['test/simulation/**/*.test.ts'],
            ...limits(15),
            maxWorkers: 2,
            sequence: { groupOrder: 0 },
          },
        },
        {
          extends: true,
          test: {
            // The built agent and the launcher against doubles, one boot or one failure at a time.
            name: 'integration',
            include: ['test/integration/**/*.test.ts'],
            ...limits(10),
            retry,
            maxWorkers: WAITING_WORKERS,
            sequence: { groupOrder: 1 },
          },
        },
        {
          extends: true,
          test: {
            // Whole federations with real Flower. Most of their time is Flower's pauses between two polls.
            name: 'federation',
            include: ['test/federation/**/*.test.ts'],
            ...limits(15),
            retry,
            maxWorkers: 3,
            sequence: { groupOrder: 2 },
          },
        },
        // Boots images as containers and VMs: it needs root and a namespace of its own, so only `make e2e` runs it.
        ...(process.env.FCVM === 'inside'
          ? [
              {
                extends: true as const,
                test: {
                  name: 'vm',
                  include: ['test/vm/**/*.test.ts'],
                  ...limits(30),
                  retry,
                  fileParallelism: false,
                  sequence: { groupOrder: 3 },
                },
              },
            ]
          : []),
      ],
    },
  };
});
