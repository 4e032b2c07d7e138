// Which addresses a SuperLink publishes.

import { describe, expect, test } from 'vitest';
import { advertisedEndpoint, advertisedEndpoint6 } from '../../../src/boot/addresses.ts';
import { serverNames } from '../../../src/boot/launch.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { parseVariables } from '../../../src/config/parse.ts';

const BOTH = ['192.0.2.10', '2001:db8::10', 'fd00::10'];
const published = (host: string, addresses: readonly string[], dialable?: readonly string[]) => {
  const listen = { host, port: 9092 };
  const endpoint = advertisedEndpoint(listen, addresses, dialable);
  return [endpoint.host, advertisedEndpoint6(listen, endpoint, addresses, dialable)?.host];
};

describe('a SuperLink publishes', () => {
  test.each(['0.0.0.0', '::'])('its first address of each family when it listens on %s', (host) => {
    expect(published(host, BOTH)).toEqual(['192.0.2.10', '2001:db8::10']);
    expect(published(host, ['192.0.2.10'])).toEqual(['192.0.2.10', undefined]);
    expect(published(host, ['2001:db8::10', '192.0.2.10'])).toEqual(['2001:db8::10', undefined]);
  });

  test('only the address that it listens on', () => {
    expect(published('192.0.2.10', BOTH)).toEqual(['192.0.2.10', undefined]);
    expect(published('2001:db8::10', BOTH)).toEqual(['2001:db8::10', undefined]);
  });

  test("what an operator's certificate names", () => {
    expect(published('::', BOTH, ['192.0.2.10', 'fd00::10'])).toEqual(['192.0.2.10', 'fd00::10']);
    expect(published('::', BOTH, ['192.0.2.10'])).toEqual(['192.0.2.10', undefined]);
    expect(published('::', BOTH, ['superlink.example.org', 'fd00::10'])).toEqual([
      'superlink.example.org',
      undefined,
    ]);
  });

  test('addresses that its own certificate names', () => {
    const parsed = parseVariables({}, { role: 'superlink', flowerVersion: BAKED_FLOWER, framework: 'none' });
    if (!parsed.ok || parsed.config.role !== 'superlink') throw new Error('defaults are good');
    const { ip } = serverNames(parsed.config, { addresses: BOTH, loopback: '127.0.0.1' });
    expect(ip).toEqual(expect.arrayContaining(BOTH));
  });
});
