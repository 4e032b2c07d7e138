// Every hostile context through the functions behind `flower-context plan`, from the file to the exit status, with the
// checks of test/integration/hostile.test.ts, which starts the program itself for a few of them.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { invoke } from '../../../src/cli/command.ts';
import { plan } from '../../../src/cli/context.ts';
import { realMachine } from '../../../src/host/machine.ts';
import { renderContextSh } from '../../support/context-sh.ts';
import { faultIn, hostileContexts, listing, type PlanOutcome } from '../../support/hostile.ts';

const said = vi.hoisted(() => ({ stdout: '', stderr: '' }));
vi.mock('../../../src/host/output.ts', () => ({
  print: (text: string) => {
    said.stdout += text;
  },
  printError: (text: string) => {
    said.stderr += text;
  },
}));

const folder = mkdtempSync(join(tmpdir(), 'hostile-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The output and the exit status of the program; an uncaught error is printed as Node prints it. */
async function outcomeOf(argv: readonly string[]): Promise<PlanOutcome> {
  Object.assign(said, { stdout: '', stderr: '' });
  try {
    return { code: await invoke(plan, argv, realMachine), ...said };
  } catch (error) {
    return { code: 1, stdout: said.stdout, stderr: `${said.stderr}\n${(error as Error).stack}` };
  }
}

describe.each(['superlink', 'supernode'] as const)('hostile contexts of a %s', (role) => {
  test('each gives a plan or a refusal and has no other effect', async () => {
    const base = join(folder, role);
    const [canary, root, file] = [join(base, 'canary'), join(base, 'root'), join(base, 'context.sh')];
    mkdirSync(root, { recursive: true });
    const contexts = hostileContexts({ role, canary });
    expect(contexts.length).toBeGreaterThan(500);
    const wrong: string[] = [];
    const counts = new Map<number, number>();
    for (const context of contexts) {
      writeFileSync(file, renderContextSh(context.raw));
      const before = listing(base);
      const outcome = await outcomeOf(['--root', root, file, '--role', role, '--json']);
      counts.set(outcome.code, (counts.get(outcome.code) ?? 0) + 1);
      const fault = existsSync(canary) ? 'something was executed' : faultIn(context, outcome);
      if (fault !== undefined) wrong.push(`${context.name}: ${fault}`);
      expect(listing(base), context.name).toEqual(before);
    }
    expect(wrong).toEqual([]);
    // Both outcomes occur, or the test would prove nothing.
    expect(counts.get(0)).toBeGreaterThan(contexts.length / 10);
    expect(counts.get(2)).toBeGreaterThan(contexts.length / 10);
  });
});
