// The address of a SuperLink with IPv4 and IPv6 that a node dials.
import { describe, expect, test } from 'vitest';
import { reach } from '../../../src/cluster/reach.ts';
import { selectSuperLink } from '../../../src/cluster/select.ts';
import { parseVm } from '../../../src/onegate/replies.ts';

const V4 = { host: '192.0.2.10', port: 9092 };
const V6 = { host: '2001:db8::10', port: 9092 };
const NO_ROUTE = 'no route to the network';
const SILENT = 'no answer within 3 s';
const REFUSED = 'connection refused: nothing listens there';

/** `why` by address family; undefined: it accepts the connection. */
const among = (v4: string | undefined, v6: string | undefined) =>
  reach({ endpoint: V4, endpoint6: V6 }, async (host) => (host.includes(':') ? v6 : v4));

describe('a node dials', () => {
  test('the only address without a try', async () => {
    const connect = async (): Promise<string> => {
      throw new Error('it was tried');
    };
    expect(await reach({ endpoint: V4 }, connect)).toEqual({ endpoint: V4, open: undefined, others: [] });
  });

  test('IPv4 where both answer', async () => {
    expect(await among(undefined, undefined)).toEqual({ endpoint: V4, open: true, others: [] });
  });

  test.each([NO_ROUTE, SILENT, REFUSED])('IPv6 where IPv4 fails, and says why: %s', async (why) => {
    expect(await among(why, undefined)).toEqual({
      endpoint: V6,
      open: true,
      others: [`192.0.2.10:9092: ${why}`],
    });
  });

  test('IPv6 without a route to IPv4, while the SuperLink is down', async () => {
    expect(await among(NO_ROUTE, REFUSED)).toMatchObject({
      endpoint: V6,
      open: false,
      others: [`192.0.2.10:9092: ${NO_ROUTE}`],
    });
  });

  test('IPv4 while nothing answers, and names the reason of the other', async () => {
    expect(await among(SILENT, NO_ROUTE)).toMatchObject({
      endpoint: V4,
      others: [`[2001:db8::10]:9092: ${NO_ROUTE}`],
    });
    expect(await among(NO_ROUTE, NO_ROUTE)).toMatchObject({ endpoint: V4, open: false });
  });
});

describe('FL_ENDPOINT6 of a SuperLink', () => {
  const found = (value: string | undefined) => {
    const attributes = { FL_READY: 'YES', FL_ENDPOINT: '192.0.2.10:9092', FL_ENDPOINT6: value };
    return selectSuperLink([parseVm({ VM: { ID: '1', USER_TEMPLATE: attributes } })]);
  };

  test('is read as OneGate stores it, without brackets', () => {
    expect(found('2001:db8::10:9092')).toMatchObject({ endpoint: V4, endpoint6: V6, warnings: [] });
  });

  test.each([undefined, '-'])('may be absent: %s', (value) => {
    expect(found(value)).toMatchObject({ endpoint: V4, warnings: [] });
    expect(found(value)).not.toHaveProperty('endpoint6');
  });

  test.each(['192.0.2.11:9092', 'superlink.example.org:9092', ':::9092', '$(reboot)'])(
    'is ignored with a warning when it is no IPv6 address: %s',
    (value) => {
      const superLink = found(value);
      expect(superLink).not.toHaveProperty('endpoint6');
      expect(superLink).toMatchObject({ warnings: [expect.stringContaining('FL_ENDPOINT6')] });
    },
  );
});
