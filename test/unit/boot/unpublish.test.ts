import { expect, test } from 'vitest';
import type { CommonOutputs, StepTools } from '../../../src/boot/step.ts';
import { unpublish } from '../../../src/boot/steps/reset-attributes.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { parseVariables } from '../../../src/config/parse.ts';
import { Problem } from '../../../src/core/problem.ts';
import type { OneGate } from '../../../src/onegate/client.ts';
import { parseVm } from '../../../src/onegate/replies.ts';
import { UNTROUBLED } from '../../support/agent-states.ts';

/** Withdraws, with a OneGate that does `update`; returns the events in their order. */
async function withdrawn(update: OneGate['update'] | undefined, shown?: Readonly<Record<string, string>>) {
  const parsed = parseVariables({}, { role: 'superlink', flowerVersion: BAKED_FLOWER, framework: 'none' });
  if (!parsed.ok) throw new Error('defaults are good');
  const order: string[] = [];
  const recordUpdate: OneGate['update'] = async (attributes, how) => {
    order.push(`stored FL_READY=${attributes['FL_READY']}`);
    await update?.(attributes, how);
  };
  const oneGate = update && ({ vmId: 7, update: recordUpdate } as unknown as OneGate);
  const outputs = {
    read_context: { variables: {}, sha256: '', addresses: [], hostNames: [], access: undefined, oneGate },
    validate: parsed.config,
  } satisfies Pick<CommonOutputs, 'read_context' | 'validate'>;
  const tools = {
    checkpoint: { forgetStep: (step: string) => order.push(`${step} is not done`) },
    notServing: () => order.push('closed'),
    repeatLater: (again: unknown) => again && order.push('again later'),
    degrade: ({ code }: Problem) => order.push(code),
    supervision: UNTROUBLED,
    signal: new AbortController().signal,
  } as unknown as StepTools;
  const stored = shown && parseVm({ VM: { ID: '7', USER_TEMPLATE: shown } });
  return { done: await unpublish(outputs, tools, stored), order };
}

test('the ready script is blocked before OneGate stores FL_READY=NO', async () => {
  expect(await withdrawn(async () => {})).toEqual({
    done: true,
    order: ['closed', 'publish is not done', 'stored FL_READY=NO'],
  });
});

test('a OneGate that does not answer does not end the boot, and the ready script is blocked', async () => {
  const away = async (): Promise<void> => {
    throw new Problem('onegate_unreachable', { doing: 'publishing', found: 'connection refused' });
  };
  expect(await withdrawn(away)).toEqual({
    done: false,
    order: ['closed', 'publish is not done', 'stored FL_READY=NO', 'onegate_unreachable', 'again later'],
  });
});

test('without a OneGate only the ready script is blocked', async () => {
  expect(await withdrawn(undefined)).toEqual({ done: true, order: ['closed', 'publish is not done'] });
});

test('without attributes of an earlier boot on OneGate only the ready script is blocked', async () => {
  expect(await withdrawn(async () => {}, {})).toEqual({
    done: true,
    order: ['closed', 'publish is not done'],
  });
  expect(await withdrawn(async () => {}, { FL_READY: 'YES' })).toEqual({
    done: true,
    order: ['closed', 'publish is not done', 'stored FL_READY=NO'],
  });
});
