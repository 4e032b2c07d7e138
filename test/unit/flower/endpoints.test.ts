import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatHostPort } from '../../../src/core/hostport.ts';
import {
  type FlowerEndpoints,
  listenersOf,
  readEndpoints,
  superLinkEndpoints,
  superNodeEndpoints,
  trustedCa,
  writeEndpoints,
} from '../../../src/flower/endpoints.ts';
import { type Paths, pathsUnder } from '../../../src/host/paths.ts';

const files = (name: string) => ({ certificate: `/${name}.pem`, key: `/${name}.key`, ca: `/${name}-ca.pem` });
const config = {
  FL_FLEET_API_ADDRESS: { host: '0.0.0.0', port: 9092 },
  FL_CONTROL_API_ADDRESS: { host: '127.0.0.1', port: 9093 },
};
const endpoint = { host: '10.0.0.5', port: 9092 };
const superLink = (version: string, operator: ReturnType<typeof files> | null = null) =>
  superLinkEndpoints(
    config,
    { version, loopback: '127.9.9.9', tls: { own: files('own'), operator } },
    endpoint,
  );
const superNode = (ca: string | null) =>
  superNodeEndpoints({ version: '1.39.0', loopback: '127.9.9.9', superlink: endpoint, ca });
const machine = (): Paths => {
  const paths = pathsUnder(mkdtempSync(join(tmpdir(), 'endpoints-')));
  mkdirSync(dirname(paths.endpoints), { recursive: true });
  return paths;
};

describe('the endpoints of Flower', () => {
  it.each<[string, string[]]>([
    ['1.31.0', ['0.0.0.0:9092', '127.9.9.9:9093', '127.9.9.9:9091']],
    ['1.36.0', ['0.0.0.0:9092', '127.9.9.9:9093', '127.9.9.9:9091']],
    ['1.37.0', ['0.0.0.0:9092', '127.9.9.9:9093']],
    ['1.42.0', ['0.0.0.0:9092', '127.9.9.9:9093']],
  ])('of a SuperLink with Flower %s have each listener once', (version, wanted) => {
    expect(listenersOf(superLink(version)).map(formatHostPort)).toEqual(wanted);
  });

  it('name the CA that SuperNodes trust, on both sides', () => {
    expect(trustedCa(superLink('1.39.0'))).toBe('/own-ca.pem');
    expect(trustedCa(superLink('1.39.0', files('operator')))).toBe('/operator-ca.pem');
    expect(trustedCa(superNode('/superlink-ca.pem'))).toBe('/superlink-ca.pem');
    expect(trustedCa(superNode(null))).toBeUndefined();
  });

  it("show the operator's certificate to SuperNodes and the own one on loopback", () => {
    const endpoints = superLink('1.39.0', files('operator'));
    expect(endpoints.tls).toEqual({ fleet: files('operator'), loopback: files('own') });
  });

  it.each<[string, FlowerEndpoints]>([
    ['a SuperLink', superLink('1.39.0', files('operator'))],
    ['a SuperNode', superNode('/superlink-ca.pem')],
    ['a SuperNode in plaintext', superNode(null)],
  ])('of %s are read as they were written, by everybody', (_, endpoints) => {
    const paths = machine();
    expect(readEndpoints(paths)).toBeUndefined();
    expect(writeEndpoints(paths, endpoints)).toBe(true);
    expect(writeEndpoints(paths, endpoints)).toBe(false);
    expect(readEndpoints(paths)).toEqual(endpoints);
    expect(statSync(paths.endpoints).mode & 0o777).toBe(0o644);
  });

  it('are unknown when the file is damaged or of another kind', () => {
    const paths = machine();
    writeEndpoints(paths, superNode(null));
    const text = readFileSync(paths.endpoints, 'utf8');
    for (const damaged of [
      '',
      '{',
      '[]',
      text.replace('"version": 1', '"version": 2'),
      text.replace('9094', '0'),
    ]) {
      writeFileSync(paths.endpoints, damaged);
      expect(readEndpoints(paths)).toBeUndefined();
    }
  });
});
