// What doctor says of the keepalive in force, for each transport.
import { describe, expect, test } from 'vitest';
import { keepalive } from '../../../src/doctor/checks/flower.ts';
import type { VmSnapshot } from '../../../src/doctor/snapshot.ts';
import { keepaliveOptions, type TransportOptions } from '../../../src/flower/keepalive.ts';

const SETTINGS = { FL_GRPC_KEEPALIVE_TIME: 60, FL_GRPC_KEEPALIVE_TIMEOUT: 20 };

describe.each(['supernode', 'superlink'] as const)('on a %s over HTTP', (role) => {
  const options = keepaliveOptions(SETTINGS, 'http');
  const side = role === 'superlink' ? 'server' : 'client';
  const found = async (inForce: TransportOptions['client']) => {
    const flower = { options: { server: [], client: [], [side]: inForce } };
    return keepalive.run({ plan: { role, transport: 'http', options }, flower } as unknown as VmSnapshot);
  };

  test('the values of the sockets are those of the plan', async () => {
    expect(await found(options[side])).toEqual([
      expect.objectContaining({
        severity: 'ok',
        found: 'in force: a TCP probe after 60 s without data; no answer for 20 s closes the connection',
      }),
    ]);
  });

  test.each([
    [
      'another value',
      (all: TransportOptions['client']) =>
        all.map(([name, value]): TransportOptions['client'][number] => [
          name,
          name === 'TCP_KEEPIDLE' ? 7200 : value,
        ]),
    ],
    ['no value', (all: TransportOptions['client']) => all.filter(([name]) => name !== 'TCP_KEEPIDLE')],
  ])('%s is named', async (_, alter) => {
    expect(await found(alter(options[side]))).toEqual([
      expect.objectContaining({
        severity: 'problem',
        found: expect.stringContaining('not in force: TCP_KEEPIDLE=60'),
      }),
    ]);
  });
});
