// What the types of steps refuse. `make check` compiles this file: each marked line must be an error.
import { expect, test } from 'vitest';
import { type SuperLinkOutputs, stepOf } from '../../../src/boot/step.ts';

test('a step cannot read the output of a step that is not among its needs', () => {
  const step = stepOf<SuperLinkOutputs>()({
    id: 'start_flower',
    title: '',
    needs: ['validate'],
    // @ts-expect-error certificates is not among the needs
    run: async ({ certificates }) => ({ output: undefined, note: certificates?.caFile ?? '' }),
  });
  expect(step.needs).toEqual(['validate']);
});

test('a step cannot need a step of the other role, or have an output of another type', () => {
  stepOf<SuperLinkOutputs>()({
    id: 'start_superexec',
    title: '',
    // @ts-expect-error a SuperLink has no such step
    needs: ['partition'],
    run: async () => ({ output: undefined }),
  });
  stepOf<SuperLinkOutputs>()({
    id: 'publish',
    title: '',
    needs: [],
    // @ts-expect-error publish gives a boolean
    run: async () => ({ output: 'YES' }),
  });
  expect(true).toBe(true);
});
