import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEndpoint, encodeEndpoint } from '../../../src/cluster/endpoint.ts';
import { parseIp } from '../../../src/core/ip.ts';
import { publishable } from '../../../src/onegate/guard.ts';

const v4 = fc.ipV4().filter((text) => !text.startsWith('0.') && Number(text.split('.')[0]) < 224);
const v6 = fc
  .ipV6()
  .map((text) => parseIp(text)?.text ?? '::')
  .filter((text) => decodeEndpoint(`[${text}]:1`) !== undefined);

describe('an endpoint', () => {
  test('is unchanged after a publication on OneGate, also with IPv6', () => {
    const hosts = fc.oneof(v4, v6, fc.constantFrom('superlink.example.org', 'a-b'));
    fc.assert(
      fc.property(hosts, fc.integer({ min: 1, max: 65_535 }), (host, port) => {
        const text = encodeEndpoint({ host, port });
        expect(() => publishable({ FL_ENDPOINT: text })).not.toThrow();
        expect(decodeEndpoint(text)).toEqual({ host, port });
      }),
    );
  });

  test.each([
    ['172.20.0.101:9092', '172.20.0.101', 9092],
    ['fd00::5:9092', 'fd00::5', 9092],
    ['[fd00::5]:9092', 'fd00::5', 9092],
    ['SuperLink.example.org:1', 'superlink.example.org', 1],
  ])('%s is read', (text, host, port) => {
    expect(decodeEndpoint(text)).toEqual({ host, port });
  });

  test.each([
    '',
    '-',
    '172.20.0.101',
    '172.20.0.101:0',
    '172.20.0.101:65536',
    '172.20.0.101:9092\n',
    '172.20.0.101:9092 --insecure',
    '172.20.0.101\u0000:9092',
    '0.0.0.0:9092',
    '[::]:9092',
    ':::9092',
    '300.1.2.3:9092',
    'http://172.20.0.101:9092',
    '$(reboot):9092',
    `${'a'.repeat(400)}:1`,
    'fe80::1%eth0:9092',
  ])('%j cannot be dialled', (text) => {
    expect(decodeEndpoint(text)).toBeUndefined();
  });
});
