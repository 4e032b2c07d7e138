// A problem that ends a boot is in the exit status, the journal, OneGate, the status and the commands. No temporary
// file stays behind.
import { describe, expect, test } from 'vitest';
import type { ProblemCode } from '../../../src/core/catalogue.ts';
import { until } from '../../support/zone/process.ts';
import { updates } from '../../support/zone/test-zone.ts';
import { FATAL, type Fatal } from './fatal.ts';
import { halfWritten, inJournal, inStatus, keepsItsSecrets } from './setup.ts';

const all = Object.entries(FATAL) as [ProblemCode, Fatal][];

describe.each(all)('%s', (code, { title, exit, cause, says, flowerRuns }) => {
  test(`is reported everywhere: ${title}`, async () => {
    const target = await cause();
    const { federation, vm, one } = target;
    await vm.whenFailed(60_000);

    const problem = await inStatus(vm, code);
    expect(problem.kind).toBe('fatal');
    const journal = await inJournal(vm, code);
    for (const text of says) expect(journal).toMatch(typeof text === 'string' ? literal(text) : text);

    await until('FL_ERROR on OneGate', () => one.userTemplate.get('FL_ERROR') === code, {
      detail: () => vm.diagnostics(),
    });
    const gate = updates(federation, one).flatMap((update) => Object.entries(update));
    expect(gate.filter(([name, value]) => /READY$/.test(name) && value === 'YES')).toEqual([]);

    await until(`exit status ${exit}`, async () => {
      const { ExecMainStatus, ActiveState, NRestarts } = await vm.unit('flower-context');
      if (exit === 2) return ActiveState === 'failed' && ExecMainStatus === '2' && NRestarts === '0';
      return Number(NRestarts) > 0 && (ExecMainStatus === '1' || ActiveState === 'activating');
    });
    if (exit === 2) {
      const ready = await vm.cli('ready', '--timeout', '0');
      expect(ready).toMatchObject({ code: 1, stdout: expect.stringContaining(code) });
      expect((await vm.cli('doctor')).stdout).toContain(`flower-context explain ${code}`);
    }

    if (!flowerRuns) {
      expect(vm.hasPlan()).toBe(false);
      const starters = ['systemd', 'flower-start'];
      const said = vm.journal(`flower-${vm.spec.role}`).filter(({ name }) => !starters.includes(name));
      expect(said).toEqual([]);
    }
    await keepsItsSecrets(target);
    await vm.systemctl('stop', 'flower-context');
    expect(halfWritten(vm)).toEqual([]);
    expect((await vm.cli('doctor')).code).toBe(1);
  });
});

const literal = (text: string): RegExp => new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
