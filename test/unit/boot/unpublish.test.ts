import { expect, test } from 'vitest';
import { Knowledge } from '../../../src/boot/knowledge.ts';
import type { StepTools } from '../../../src/boot/step.ts';
import { unpublish } from '../../../src/boot/unpublish.ts';
import { parseVariables } from '../../../src/config/parse.ts';
import { Problem } from '../../../src/core/problem.ts';
import type { OneGate } from '../../../src/onegate/client.ts';
import { parseVm } from '../../../src/onegate/replies.ts';

/** Withdraws, with a OneGate that does `update`; tells what happened in which order. */
async function withdrawn(update: OneGate['update'] | undefined, shown?: Readonly<Record<string, string>>) {
  const parsed = parseVariables({}, { role: 'superlink', flowerVersion: '1.39.0', framework: 'none' });
  if (!parsed.ok) throw new Error('defaults are good');
  const known = new Knowledge();
  known.set('config', parsed.config);
  const order: string[] = [];
  const recordUpdate: OneGate['update'] = async (attributes, how) => {
    order.push(`told FL_READY=${attributes['FL_READY']}`);
    await update?.(attributes, how);
  };
  known.set(
    'oneGate',
    update === undefined ? undefined : ({ vmId: 7, update: recordUpdate } as unknown as OneGate),
  );
  const tools = {
    checkpoint: { forgetStep: (step: string) => order.push(`${step} is not done`) },
    closeGate: () => order.push('closed'),
    degrade: ({ code }: Problem) => order.push(code),
    signal: new AbortController().signal,
  } as unknown as StepTools;
  const stored = shown && parseVm({ VM: { ID: '7', USER_TEMPLATE: shown } });
  return { done: await unpublish(known, tools, stored), order };
}

test('the ready script is held before OneGate is told that nothing serves', async () => {
  expect(await withdrawn(async () => {})).toEqual({
    done: true,
    order: ['closed', 'publish is not done', 'told FL_READY=NO'],
  });
});

test('an OneGate that does not answer does not end the boot, and the ready script is held all the same', async () => {
  const away = async (): Promise<void> => {
    throw new Problem('onegate_unreachable', { doing: 'publishing', found: 'connection refused' });
  };
  expect(await withdrawn(away)).toEqual({
    done: false,
    order: ['closed', 'publish is not done', 'told FL_READY=NO', 'onegate_unreachable'],
  });
});

test('without a OneGate there is nothing to withdraw but the ready script', async () => {
  expect(await withdrawn(undefined)).toEqual({ done: true, order: ['closed', 'publish is not done'] });
});

test('where OneGate shows nothing of an earlier boot only the ready script is held', async () => {
  expect(await withdrawn(async () => {}, {})).toEqual({
    done: true,
    order: ['closed', 'publish is not done'],
  });
  expect(await withdrawn(async () => {}, { FL_READY: 'YES' })).toEqual({
    done: true,
    order: ['closed', 'publish is not done', 'told FL_READY=NO'],
  });
});
