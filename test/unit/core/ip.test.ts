import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHostPort, parseHostPort } from '../../../src/core/hostport.ts';
import {
  canonicalIp,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isUnspecified,
  mappedV4,
  parseIp,
} from '../../../src/core/ip.ts';

const ip = (text: string) => parseIp(text)!;

describe('IP addresses', () => {
  test.each([
    ['10.0.0.5', '10.0.0.5'],
    ['FD00:0:0:0:0:0:0:5', 'fd00::5'],
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['::FFFF:a00:1', '::ffff:10.0.0.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('%s is written %s', (text, canonical) => expect(ip(text).text).toBe(canonical));

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1.2.3.4/8',
    '1.2.3.-4',
    ':',
    ':::',
    '1::2::3',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '::1%eth0',
    '[::1]',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:1',
    ' ::1',
    '١.2.3.4',
  ])('%j is none', (text) => expect(parseIp(text)).toBeUndefined());

  test('are those that Node takes, zones apart', () => {
    const texts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.stringMatching(/^[0-9a-f:.]{0,20}$/));
    fc.assert(
      fc.property(texts, (text) => {
        expect(parseIp(text)?.version).toBe(isIPv4(text) ? 4 : isIPv6(text) ? 6 : undefined);
      }),
      { numRuns: 3000 },
    );
  });

  test('read again in the way they are written are the same', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        expect(ip(ip(text).text).parts).toEqual(ip(text).parts);
      }),
      { numRuns: 3000 },
    );
  });

  test('are classified as wildcard, loopback, link-local, multicast or IPv4 mapped to IPv6', () => {
    expect(['0.0.0.0', '::', '10.0.0.1'].map((text) => isUnspecified(ip(text)))).toEqual([true, true, false]);
    expect(['127.9.9.9', '::1', '128.0.0.1', '::2'].map((text) => isLoopback(ip(text)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(
      ['169.254.0.1', 'fe80::1', 'febf::1', 'fec0::1', '169.255.0.1'].map((text) => isLinkLocal(ip(text))),
    ).toEqual([true, true, true, false, false]);
    expect(
      ['224.0.0.1', '239.1.1.1', '255.255.255.255', 'ff02::1', '223.0.0.1', 'fe00::'].map((text) =>
        isMulticast(ip(text)),
      ),
    ).toEqual([true, true, true, true, false, false]);
    expect(['::ffff:10.0.0.1', '::10.0.0.1', '10.0.0.1'].map((text) => mappedV4(ip(text)))).toEqual([
      '10.0.0.1',
      undefined,
      undefined,
    ]);
  });

  test('are the same to the certificates', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        expect(canonicalIp(ip(text).text)).toBe(canonicalIp(text));
      }),
    );
  });
});

test('host:port is written as it is read', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
      const text = name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
      const read = parseHostPort(text);
      if (read === undefined) return; // multicast, mapped IPv4
      expect(parseHostPort(formatHostPort(read))).toEqual(read);
      expect(read.port).toBe(port);
    }),
  );
  expect(formatHostPort({ host: 'fd00::5', port: 1 })).toBe('[fd00::5]:1');
  expect(formatHostPort({ host: '10.0.0.5', port: 9092 })).toBe('10.0.0.5:9092');
});
