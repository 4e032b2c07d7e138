// The certificates made here, and the explanations given here, against gRPC servers and clients on loopback.
import {
  Client,
  type ClientOptions,
  credentials,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueCa, issueServer, type KeyPair } from '../../../src/tls/issue.ts';
import { subjectNames } from '../../../src/tls/names.ts';
import { explainPeer } from '../../../src/tls/peer.ts';

const bytes = (value: Buffer): Buffer => value;
const ECHO: ServiceDefinition = {
  Say: {
    path: '/test.Echo/Say',
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
};

const now = new Date();
const ca = issueCa({ now, commonName: 'flower-context CA of a test' });
const other = issueCa({ now, commonName: 'flower-context CA of a test' });
const names = subjectNames({
  addresses: ['127.32.0.2'],
  hostNames: ['super.example.org'],
  extraSan: [{ type: 'DNS', value: '*.fl.example.org' }],
});
const pair = issueServer({ ca, names, now });
const listeners: Server[] = [];
let ports: Record<string, number>;

beforeAll(async () => {
  ports = Object.fromEntries(
    await Promise.all(
      ['127.32.0.2', '127.32.0.3', '[::1]'].map(async (host) => [host, await serve(host, pair)]),
    ),
  );
});
afterAll(() => {
  for (const listener of listeners) listener.forceShutdown();
});

function serve(host: string, { certPem, keyPem }: KeyPair): Promise<number> {
  const listener = new Server();
  listeners.push(listener);
  listener.addService(ECHO, {
    Say: (call: { request: Buffer }, reply: (error: null, value: Buffer) => void) =>
      reply(null, call.request),
  });
  const secret = ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(keyPem), cert_chain: Buffer.from(certPem) },
  ]);
  return new Promise((done, fail) =>
    listener.bindAsync(`${host}:0`, secret, (error, port) => (error ? fail(error) : done(port))),
  );
}

/** 'hello', or why not. */
async function ask(host: string, caPem: string, options: ClientOptions = {}): Promise<string> {
  const client = new Client(`${host}:${ports[host]}`, credentials.createSsl(Buffer.from(caPem)), options);
  try {
    return await new Promise<string>((done) => {
      const deadline = Date.now() + 10_000;
      client.makeUnaryRequest(
        '/test.Echo/Say',
        bytes,
        bytes,
        Buffer.from('hello'),
        { deadline },
        (error: ServiceError | null, value?: Buffer) => done(error ? error.details : String(value)),
      );
    });
  } finally {
    client.close();
  }
}
const calledAs = (name: string): ClientOptions => ({ 'grpc.ssl_target_name_override': name });
const explain = (host: string, caPem: string) =>
  explainPeer({ chainPem: pair.certPem, caPem, host, now: new Date() });

describe('a gRPC client that trusts the CA', () => {
  test.each(['127.32.0.2', '[::1]'])('gets an answer at %s', async (host) => {
    expect(await ask(host, ca.certPem)).toBe('hello');
    expect(explain(host, ca.certPem)).toBeUndefined();
  });

  test.each(['localhost', 'super.example.org', 'node7.fl.example.org'])(
    'gets an answer when it asks for %s',
    async (name) => {
      expect(await ask('127.32.0.2', ca.certPem, calledAs(name))).toBe('hello');
      expect(explain(name, ca.certPem)).toBeUndefined();
    },
  );

  test('refuses an address that is not named, and explainPeer gives that reason', async () => {
    expect(await ask('127.32.0.3', ca.certPem)).not.toBe('hello');
    expect(explain('127.32.0.3', ca.certPem)?.facts.example).toBe('FL_CERT_EXTRA_SAN="IP:127.32.0.3"');
  });

  test.each(['super.example.com', 'a.b.fl.example.org', 'fl.example.org'])(
    'refuses %s, and explainPeer gives that reason',
    async (name) => {
      expect(await ask('127.32.0.2', ca.certPem, calledAs(name))).not.toBe('hello');
      expect(explain(name, ca.certPem)?.code).toBe('address_not_in_certificate');
    },
  );
});

test('a gRPC client that trusts another CA of the same name refuses, and explainPeer gives that reason', async () => {
  expect(await ask('127.32.0.2', other.certPem)).not.toBe('hello');
  expect(explain('127.32.0.2', other.certPem)?.code).toBe('ca_mismatch');
});

test('clients accept a certificate that was renewed under the same CA, without a change', async () => {
  const renewed = issueServer({ ca, names, now: new Date() });
  ports['127.32.0.2'] = await serve('127.32.0.2', renewed);
  expect(await ask('127.32.0.2', ca.certPem)).toBe('hello');
});
