// A short run of test/fuzz/launcher.py; `make fuzz` runs it for longer.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/host/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const SEED = process.env.FUZZ_SEED ?? String(Date.now() % 1_000_000_000);

test('the launcher reads any plan, and passes on any answer of a SuperLink as plain text', async () => {
  const args = [join(ROOT, 'test/fuzz/launcher.py'), join(ROOT, 'appliance/lib'), '3000', SEED];
  const { code, stdout, stderr } = await run(process.env.PYTHON ?? 'python3', args, { timeoutMs: 120_000 });
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toContain('3000 cases, nothing found');
});
