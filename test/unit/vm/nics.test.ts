import { describe, expect, test } from 'vitest';
import { realHost } from '../../../src/host/host.ts';
import { addressesOf, type Nic, nicsFrom as nicsOf } from '../../../src/vm/nics.ts';

const nic = (name: string, values: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${name}_${key}`, value]));

const nicsFrom = (raw: Record<string, string>): Nic[] => nicsOf(raw, realHost);

const primary = (raw: Record<string, string>): string | undefined => addressesOf(nicsFrom(raw))[0];

describe('the interfaces of a CONTEXT', () => {
  test('are in the order of their numbers, not of their text, aliases behind their interface', () => {
    const raw = {
      ...nic('ETH10', { IP: '10.0.10.1' }),
      ...nic('ETH2', { IP: '10.0.2.1' }),
      ...nic('ETH2_ALIAS10', { IP: '10.0.2.10' }),
      ...nic('ETH2_ALIAS3', { IP: '10.0.2.3' }),
      ...nic('PCI1', { IP: '10.0.1.1' }),
    };
    expect(nicsFrom(raw).map(({ name }) => name)).toEqual([
      'PCI1',
      'ETH2',
      'ETH2_ALIAS3',
      'ETH2_ALIAS10',
      'ETH10',
    ]);
  });

  test('have canonical addresses of both families', () => {
    const [eth0] = nicsFrom(
      nic('ETH0', { IP: ' 10.0.0.5 ', IP6: '2001:DB8:0::5', IP6_ULA: 'FD00::0005', GATEWAY: '10.0.0.1' }),
    );
    expect(eth0).toMatchObject({
      ip: '10.0.0.5',
      ip6: ['2001:db8::5', 'fd00::5'],
      gateway: '10.0.0.1',
    });
  });

  test('do not include detached ones', () => {
    const raw = {
      ...nic('ETH0_ALIAS0', { IP: '10.0.0.9', DETACH: 'YES' }),
      ...nic('ETH0', { IP: '10.0.0.5', DETACH: '' }),
    };
    expect(nicsFrom(raw).map(({ name }) => name)).toEqual(['ETH0']);
  });

  test('have no address where a variable has none that others can use', () => {
    const raw = nic('ETH0', {
      IP: '10.0.0.256',
      IP6: 'fe80::1',
      IP6_ULA: 'fe80::1%eth0',
      GATEWAY: '10.0.0.1/24',
    });
    expect(nicsFrom(raw)[0]).toMatchObject({ ip: undefined, ip6: [], gateway: undefined });
  });

  test.each([
    '127.0.0.1',
    '127.10.1.2',
    '127.255.255.254',
    '0.0.0.0',
    '169.254.1.1',
    '224.0.0.1',
    '010.0.0.1',
    'fd00::1',
    'host',
  ])('do not take %s for an IPv4 address', (ip) => {
    expect(addressesOf(nicsFrom({ ETH0_IP: ip }))).toEqual([]);
  });

  test('an address of the loopback range is of no use', () =>
    expect(addressesOf(nicsFrom({ ETH0_IP: '127.10.1.2', ETH0_IP6: '::1' }))).toEqual([]));

  test('are not read from similar names', () => {
    expect(
      nicsFrom({
        ETH_IP: '10.0.0.1',
        ETHX_IP: '10.0.0.1',
        XETH0_IP: '10.0.0.1',
        ETH00_IP: '10.0.0.1',
        FL_ETH0_IP: '10.0.0.1',
      }),
    ).toEqual([]);
  });

  test('an EXTERNAL alias is advertised', () => {
    const nics = nicsFrom({
      ...nic('ETH0', { IP: '10.0.0.5' }),
      ...nic('ETH0_ALIAS0', { IP: '203.0.113.7', EXTERNAL: 'yes' }),
    });
    expect(addressesOf(nics)).toEqual(['10.0.0.5', '203.0.113.7']);
  });

  test('an address that two of them have is listed once, the primary first', () => {
    const raw = {
      ...nic('ETH0', { IP: '10.0.0.5' }),
      ...nic('ETH1', { IP: '10.1.0.5', GATEWAY: '10.1.0.1' }),
      ...nic('ETH2', { IP: '10.0.0.5' }),
    };
    expect(addressesOf(nicsFrom(raw))).toEqual(['10.1.0.5', '10.0.0.5']);
  });
});

describe('the primary address', () => {
  const eth0 = nic('ETH0', { IP: '10.0.0.5' });
  const routed = (name: string, ip: string, metric = ''): Record<string, string> =>
    nic(name, { IP: ip, GATEWAY: '10.9.9.1', METRIC: metric });

  test('is of the interface with a gateway', () =>
    expect(primary({ ...eth0, ...routed('ETH1', '10.1.0.5') })).toBe('10.1.0.5'));

  test('of several with a gateway, is of the lowest metric', () =>
    expect(primary({ ...routed('ETH0', '10.0.0.5', '200'), ...routed('ETH1', '10.1.0.5', '100') })).toBe(
      '10.1.0.5',
    ));

  test('of several with a gateway and no metric, is of the lowest number', () =>
    expect(primary({ ...routed('ETH10', '10.10.0.5'), ...routed('ETH2', '10.2.0.5') })).toBe('10.2.0.5'));

  test('no metric is the lowest metric', () =>
    expect(primary({ ...routed('ETH0', '10.0.0.5', '5'), ...routed('ETH1', '10.1.0.5') })).toBe('10.1.0.5'));

  test('without any gateway, is that of ETH0', () =>
    expect(primary({ ...nic('ETH1', { IP: '10.1.0.5' }), ...eth0 })).toBe('10.0.0.5'));

  test('is IPv6 where no IPv4 is routed', () => {
    const v6 = nic('ETH1', { IP6: '2001:db8::5', IP6_GATEWAY: 'fe80::1' });
    expect(primary({ ...eth0, ...v6 })).toBe('2001:db8::5');
    expect(primary({ ...routed('ETH0', '10.0.0.5'), ...v6 })).toBe('10.0.0.5');
  });

  test('is never that of an alias', () => {
    const alias = routed('ETH0_ALIAS0', '203.0.113.7');
    expect(primary({ ...alias, ...eth0 })).toBe('10.0.0.5');
  });
});
