// How checks are run: side by side, in time, and whatever one of them does.
import { expect, test } from 'vitest';
import { Problem } from '../../../src/core/problem.ts';
import { type Check, examine, ok } from '../../../src/doctor/check.ts';
import type { VmSnapshot } from '../../../src/doctor/snapshot.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const check = (id: string, run: Check['run']): Check => ({ id, title: id, run });

test('a check that hangs or throws is reported and does not delay the others', async () => {
  const clock = new FakeClock();
  const snapshot = { machine: { clock } } as unknown as VmSnapshot;
  const results = await clock.run(
    examine(
      [
        check('well', () => [ok('all is well')]),
        check('hangs', () => new Promise(() => {})),
        check('refuses', () => {
          throw new Problem('state_unwritable', { doing: 'writing x', found: 'the disk is full' });
        }),
        check('breaks', async () => {
          throw new TypeError('x is no function');
        }),
      ],
      snapshot,
    ),
  );
  expect(
    results.map(({ id, verdict, findings }) => [id, verdict, findings[0]?.found, findings[0]?.code]),
  ).toEqual([
    ['well', 'ok', 'all is well', undefined],
    ['hangs', 'warning', 'not known: no answer within 5 s', undefined],
    ['refuses', 'problem', 'writing x: the disk is full', 'state_unwritable'],
    ['breaks', 'problem', 'the check itself failed: x is no function', 'internal_error'],
  ]);
  expect(clock.monotonicMs()).toBe(5_000);
  expect(clock.pending).toBe(0);
});
