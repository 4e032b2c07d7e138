import { defineConfig } from 'vitest/config';

// Unit tests are sealed (test/support/sealed.ts): no processes, no names, no writes outside a temporary folder.
// The other suites use the built agent and real processes; they measure time, so one suite after the other, and of the
// federation tests, which keep two cores busy, one at a time.
// Whole federations on a machine that others share: once more in CI, and the report says that it was needed.
const RETRIES = process.env.CI ? 1 : 0;

export default defineConfig({
  define: { FLOWER_CONTEXT_VERSION: JSON.stringify('0.0.0-test') },
  test: {
    reporters: process.env.CI ? ['default', './test/support/plain-count.ts'] : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: ['test/support/sealed.ts'],
          // Properties take what a busy machine gives them; none of them is about time.
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          retry: RETRIES,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'federation',
          include: ['test/federation/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          retry: RETRIES,
          sequence: { groupOrder: 2 },
          fileParallelism: false,
        },
      },
      // Boots images as containers and VMs: needs root and a namespace of its own, so only `make e2e` runs it.
      ...(process.env.FCVM === 'inside'
        ? [
            {
              extends: true as const,
              test: {
                name: 'vm',
                include: ['test/vm/**/*.test.ts'],
                testTimeout: 1_800_000,
                hookTimeout: 1_800_000,
                retry: RETRIES,
                sequence: { groupOrder: 3 },
                fileParallelism: false,
              },
            },
          ]
        : []),
    ],
  },
});
