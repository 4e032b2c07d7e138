import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalIp, ipBytes, ipText, parseIp } from '../../../src/core/ip.ts';
import { readSanList, type SubjectAltName } from '../../../src/core/san.ts';
import { covers, listNames, sanEntry, subjectNames, uniqueNames } from '../../../src/tls/names.ts';

function extraSan(text: string): readonly SubjectAltName[] {
  const read = readSanList(text);
  if (!read.ok) throw new Error(read.why);
  return read.value;
}

describe('the names of the server certificate', () => {
  test('are localhost, the loopbacks, every address of the VM, its host name and what the operator added', () => {
    expect(
      subjectNames({
        addresses: ['10.0.0.5', 'FD00:0::1'],
        hostNames: ['SuperLink.example.org.', 'superlink'],
        extraSan: extraSan('IP:203.0.113.7, dns : *.FL.example.org'),
        loopback: '127.32.0.1',
      }),
    ).toEqual({
      dns: ['localhost', 'superlink.example.org', 'superlink', '*.fl.example.org'],
      ip: ['127.0.0.1', '::1', '127.32.0.1', '10.0.0.5', 'fd00::1', '203.0.113.7'],
    });
  });

  test('occur once each, however they are spelled', () => {
    const names = subjectNames({
      addresses: ['fd00::1', 'FD00:0:0::1', '127.0.0.1'],
      hostNames: ['localhost'],
      extraSan: extraSan('IP:fd00:0::1,DNS:LOCALHOST'),
      loopback: '127.0.0.1',
    });
    expect(names).toEqual({ dns: ['localhost'], ip: ['127.0.0.1', '::1', 'fd00::1'] });
  });

  test.each(['my_host', '-host', '10.0.0.5', '10', '', 'größe', `${'a'.repeat(64)}.org`])(
    'leave out the hostname %j, which is no DNS name',
    (name) => expect(subjectNames({ addresses: [], hostNames: [name] }).dns).toEqual(['localhost']),
  );

  test('drop the zone of a link-local address, and addresses that cannot be dialled', () => {
    expect(subjectNames({ addresses: ['fe80::1%eth0', '0.0.0.0', '::', 'nonsense'] }).ip).toEqual([
      '127.0.0.1',
      '::1',
      'fe80::1',
    ]);
  });
});

const bytesOf = (text: string): Buffer => ipBytes(parseIp(canonicalIp(text)!)!);

describe('an address', () => {
  test.each([
    ['10.0.0.1', '0a000001'],
    ['::1', '00000000000000000000000000000001'],
    ['fd00::1', 'fd000000000000000000000000000001'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
  ])('%s is 4 or 16 bytes in a certificate', (text, hex) => {
    const bytes = bytesOf(text)!;
    expect(bytes.toString('hex')).toBe(hex);
    expect(ipText(bytes)).toBe(text.replace('%eth0', ''));
  });

  test.each([
    '10.0.0',
    '10.0.0.256',
    '10.0.0.01',
    '::1::',
    '1:2:3:4:5:6:7',
    'fe80::1%',
    'eth0',
    '',
    '10.0.0.1%eth0',
  ])('%j is none', (text) => expect(canonicalIp(text)).toBeUndefined());

  test('is unchanged after a certificate', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const bytes = bytesOf(text)!;
        expect([4, 16]).toContain(bytes.length);
        expect(ipText(bytes)).toBe(canonicalIp(text));
      }),
    );
  });

  test('of another length than 4 or 16 bytes is not read', () => {
    expect(ipText(Buffer.alloc(17))).toBeUndefined();
    expect(ipText(Buffer.alloc(0))).toBeUndefined();
  });
});

describe('what gRPC accepts for a dialled host', () => {
  const names = uniqueNames({
    dns: ['super.example.org', '*.fl.example.org', '*.local'],
    ip: ['10.0.0.5', 'fd00::1'],
  });

  test.each([
    '10.0.0.5',
    'fd00::1',
    'FD00::1',
    '[fd00::1]',
    'fd00::1%eth0',
    'super.example.org',
    'SUPER.example.org',
    'super.example.org.',
    'a.fl.example.org',
    'a.fl.example.org.',
    '*.fl.example.org',
  ])('%s is covered', (host) => expect(covers(names, host)).toBe(true));

  test.each([
    '10.0.0.6',
    '::ffff:10.0.0.5',
    'fd00::2',
    'example.org',
    'fl.example.org',
    'a.b.fl.example.org',
    'vm.local',
    'vm.local.',
    'local',
    '*',
    '',
  ])('%j is not', (host) => expect(covers(names, host)).toBe(false));

  test('a star alone covers nothing', () => {
    expect(covers({ dns: ['*'], ip: [] }, 'localhost')).toBe(false);
  });

  test('an address is never covered by a name, wildcard or not', () => {
    expect(covers({ dns: ['10.0.0.5', '*.0.0.5'], ip: [] }, '10.0.0.5')).toBe(false);
  });
});

test('a host is written as an entry of FL_CERT_EXTRA_SAN', () => {
  expect([sanEntry('[FD00::1]'), sanEntry('203.0.113.7'), sanEntry('Super.example.org')]).toEqual([
    'IP:fd00::1',
    'IP:203.0.113.7',
    'DNS:super.example.org',
  ]);
});

test('names are printed on one line, also when there are none', () => {
  expect(listNames({ dns: ['a.example'], ip: ['10.0.0.5'] })).toBe('DNS:a.example, IP:10.0.0.5');
  expect(listNames(undefined)).toBe('none');
  const many = Array.from({ length: 3000 }, (_, at) => `n${at}.example`);
  expect(listNames({ dns: many, ip: [] })).toMatch(/^DNS:n0\.example, .*DNS:n19\.example and 2980 more$/);
});
