import { describe, expect, test } from 'vitest';
import { allAddresses } from '../../../src/boot/addresses.ts';
import { dialableAddresses, realHost } from '../../../src/host/host.ts';
import { realMachine } from '../../../src/host/machine.ts';
import { nicsFrom } from '../../../src/vm/nics.ts';

const entry = (address: string, family: 'IPv4' | 'IPv6', internal = false) =>
  family === 'IPv4'
    ? { address, family, internal, netmask: '', mac: '', cidr: null }
    : { address, family, internal, netmask: '', mac: '', cidr: null, scopeid: 0 };

const KERNEL = {
  lo: [entry('127.0.0.1', 'IPv4', true), entry('::1', 'IPv6', true)],
  eth0: [
    entry('fe80::1', 'IPv6'),
    entry('2001:db8::9', 'IPv6'),
    entry('169.254.7.7', 'IPv4'),
    entry('192.0.2.9', 'IPv4'),
  ],
  eth1: [entry('192.0.2.10', 'IPv4')],
  gone: undefined,
};

describe('the addresses of the kernel', () => {
  test('are those that others can dial, IPv4 first', () =>
    expect(dialableAddresses(KERNEL)).toEqual(['192.0.2.9', '192.0.2.10', '2001:db8::9']));

  test('are those of a VM whose CONTEXT has none (DHCP)', () =>
    expect(allAddresses(nicsFrom({ ETH0_IP: '' }, realHost), dialableAddresses(KERNEL))[0]).toBe(
      '192.0.2.9',
    ));

  test('come after those of the CONTEXT', () =>
    expect(allAddresses(nicsFrom({ ETH0_IP: '10.0.0.5' }, realHost), ['192.0.2.9', '10.0.0.5'])).toEqual([
      '10.0.0.5',
      '192.0.2.9',
    ]));
});

describe('the machine of the shipped agent', () => {
  test('is this computer with any root', () => {
    for (const root of ['/', '/mnt/image']) expect(realMachine(root).host).toBe(realHost);
  });

  test('reaches only itself at every address of 127.0.0.0/8', () => {
    for (const address of ['127.0.0.1', '127.10.1.2', '127.255.255.254', '::1'])
      expect(realHost.isOwnLoopback(address)).toBe(true);
    for (const address of ['128.0.0.1', '10.127.0.1', '2001:db8::1'])
      expect(realHost.isOwnLoopback(address)).toBe(false);
  });

  test('listens for itself on 127.0.0.1', () => expect(realHost.loopback).toBe('127.0.0.1'));

  test('has the same boot id until the kernel is booted again', () => {
    expect(realHost.bootId()).toMatch(/^[0-9a-f-]{36}$/);
    expect(realHost.bootId()).toBe(realHost.bootId());
  });
});
