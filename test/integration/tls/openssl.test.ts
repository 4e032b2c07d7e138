// What the agent writes, read by OpenSSL and Python; what OpenSSL writes, taken by the agent.
import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { probeTls } from '../../../src/host/net.ts';
import { issueCa, issueServer } from '../../../src/tls/issue.ts';
import { subjectNames } from '../../../src/tls/names.ts';
import { takeOperatorCertificates } from '../../../src/tls/operator.ts';
import { explainPeer } from '../../../src/tls/peer.ts';
import { firstCertificate } from '../../../src/tls/texts.ts';
import { chainWith, NOW } from '../../support/certificates.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'tls-openssl-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};
const openssl = async (...args: string[]): Promise<string> =>
  (await run('openssl', args, { cwd: folder })).stdout;

const now = new Date();
const ca = issueCa({ now, commonName: 'flower-context CA of a test' });
const names = subjectNames({
  addresses: ['127.32.0.1', '10.0.0.5', 'fd00::1', 'fe80::1%eth0', '::ffff:10.0.0.1'],
  hostNames: ['super.example.org'],
  extraSan: [{ type: 'DNS', value: '*.fl.example.org' }],
});
const server = issueServer({ ca, names, now });
const caFile = file('ca.pem', ca.certPem);
const serverFile = file('server.pem', server.certPem);

describe('OpenSSL', () => {
  test('verifies both certificates by its strictest rules, as a TLS server', async () => {
    expect(await openssl('verify', '-x509_strict', '-CAfile', caFile, caFile)).toContain('ca.pem: OK');
    const strict = ['verify', '-x509_strict', '-check_ss_sig', '-purpose', 'sslserver', '-CAfile', caFile];
    expect(await openssl(...strict, serverFile)).toContain('server.pem: OK');
  });

  test('verifies what was issued before and after the certificate of the CA was made again', async () => {
    const again = issueCa({
      now,
      built: new Date(now.getTime() - 40 * 86_400_000),
      commonName: 'another host',
      key: createPrivateKey(ca.keyPem),
      subject: firstCertificate(ca.certPem).subjectDer,
    });
    const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile'];
    const later = file('later.pem', issueServer({ ca: again, names, now }).certPem);
    expect(await openssl(...strict, caFile, later)).toContain('OK');
    expect(await openssl(...strict, file('again.pem', again.certPem), serverFile)).toContain('OK');
  });

  test('verifies what a first boot in 1970 makes, then and now', async () => {
    const at = { now: new Date(90_000), built: new Date(now.getTime() - 86_400_000) };
    const first = issueCa({ ...at, commonName: 'first' });
    const leaf = file('first-server.pem', issueServer({ ca: first, names, ...at, wrongClock: true }).certPem);
    const anchor = file('first.pem', first.certPem);
    for (const seconds of [90, Math.floor(now.getTime() / 1_000)])
      expect(
        await openssl('verify', '-x509_strict', '-attime', `${seconds}`, '-CAfile', anchor, leaf),
      ).toContain('OK');
  });

  test('refuses the server certificate under another CA', async () => {
    const other = file('other.pem', issueCa({ now, commonName: 'flower-context CA of a test' }).certPem);
    await expect(openssl('verify', '-CAfile', other, serverFile)).rejects.toThrow(/verification failed/);
  });

  test.each(['127.0.0.1', '::1', '127.32.0.1', '10.0.0.5', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1'])(
    'finds the address %s',
    async (ip) => {
      expect(await openssl('x509', '-in', serverFile, '-noout', '-checkip', ip)).toContain('does match');
    },
  );

  test.each(['localhost', 'super.example.org', 'a.fl.example.org'])('finds the name %s', async (host) => {
    expect(await openssl('x509', '-in', serverFile, '-noout', '-checkhost', host)).toContain('does match');
  });

  test('finds only the addresses of the certificate', async () => {
    expect(await openssl('x509', '-in', serverFile, '-noout', '-checkip', '10.0.0.6')).toContain(
      'does NOT match',
    );
  });

  test('reads every extension that strict clients ask for', async () => {
    const text = async (path: string): Promise<string> =>
      (await openssl('x509', '-in', path, '-noout', '-text')).replace(/\s+/g, ' ');
    const [authority, leaf] = [await text(caFile), await text(serverFile)];
    const keyId = /Subject Key Identifier: ([0-9A-F:]{59})/.exec(authority)?.[1];
    expect(authority).toContain('Basic Constraints: critical CA:TRUE, pathlen:0');
    expect(authority).toContain('Key Usage: critical Certificate Sign, CRL Sign');
    expect(leaf).toContain('Basic Constraints: critical CA:FALSE');
    expect(leaf).toContain('Key Usage: critical Digital Signature');
    expect(leaf).toContain('Extended Key Usage: TLS Web Server Authentication');
    expect(leaf).toMatch(/Subject Key Identifier: [0-9A-F:]{59}/);
    expect(leaf).toContain(`Authority Key Identifier: ${keyId}`);
    expect(leaf).toContain('Public-Key: (256 bit)');
    expect(leaf).toContain('Signature Algorithm: ecdsa-with-SHA256');
  });

  test('reads a certificate that ends after 2049', async () => {
    const late = file(
      'late.pem',
      issueCa({ now: new Date('2045-03-01T00:00:00Z'), commonName: 'late' }).certPem,
    );
    expect(await openssl('x509', '-in', late, '-noout', '-dates')).toContain(
      'notAfter=Mar  1 00:00:00 2055 GMT',
    );
    const at = String(Date.parse('2050-06-01T00:00:00Z') / 1000);
    expect(await openssl('verify', '-x509_strict', '-attime', at, '-CAfile', late, late)).toContain('OK');
  });
});

describe('Python', () => {
  const CLIENT = `
import socket, ssl, sys
host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
context.verify_flags |= ssl.VERIFY_X509_STRICT
with socket.create_connection((host, port), timeout=10) as plain:
    with context.wrap_socket(plain, server_hostname=host) as tls:
        print(tls.version(), tls.recv(5).decode())
`;

  test.each(['127.32.0.1', '::1', 'localhost'])('connects to %s with VERIFY_X509_STRICT', async (host) => {
    const answer = await greeted(
      host,
      async (port) => (await run('python3', ['-c', CLIENT, host, port, caFile])).stdout,
    );
    expect(answer.trim()).toBe('TLSv1.3 hello');
  });

  test('refuses an address that is not in the certificate', async () => {
    const attempt = greeted('127.32.0.9', (port) =>
      run('python3', ['-c', CLIENT, '127.32.0.9', port, caFile]),
    );
    await expect(attempt).rejects.toThrow(/IP address mismatch/);
  });
});

/** Runs a client against a TLS server with our certificate that says hello at `host`. */
async function greeted<T>(host: string, client: (port: string) => Promise<T>): Promise<T> {
  const listener = createServer({ key: server.keyPem, cert: server.certPem }, (socket: TLSSocket) => {
    socket.on('error', () => {});
    socket.end('hello');
  });
  listener.on('tlsClientError', () => {});
  await new Promise<void>((done) => listener.listen(0, host, done));
  try {
    const address = listener.address();
    return await client(String(typeof address === 'object' ? address?.port : ''));
  } finally {
    await new Promise((done) => listener.close(done));
  }
}

describe("an operator's certificates, made with OpenSSL here and now, are taken", () => {
  const KEYS: [string, string[][]][] = [
    ['EC P-256 in SEC1 with parameters', [['ecparam', '-name', 'prime256v1', '-genkey', '-out', 'op.key']]],
    [
      'EC P-384 in PKCS#8',
      [['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384', '-out', 'op.key']],
    ],
    ['RSA-2048 in PKCS#1', [['genrsa', '-traditional', '-out', 'op.key', '2048']]],
    [
      'RSA-3072 in PKCS#8',
      [['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072', '-out', 'op.key']],
    ],
  ];

  test.each(KEYS)('%s', async (_kind, commands) => {
    for (const command of commands) await openssl(...command);
    await openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'op-ca.key',
      '-out',
      'op-ca.pem',
      '-days',
      '30',
      '-subj',
      '/CN=Operator CA',
    );
    await openssl('req', '-new', '-key', 'op.key', '-subj', '/CN=superlink', '-out', 'op.csr');
    const extensions = file(
      'op.ext',
      'subjectAltName=IP:127.32.0.1,DNS:superlink.example.org\nextendedKeyUsage=serverAuth\n',
    );
    await openssl(
      'x509',
      '-req',
      '-in',
      'op.csr',
      '-CA',
      'op-ca.pem',
      '-CAkey',
      'op-ca.key',
      '-set_serial',
      '7',
      '-days',
      '20',
      '-extfile',
      extensions,
      '-out',
      'op.pem',
    );
    const read = async (name: string): Promise<string> => (await run('cat', [name], { cwd: folder })).stdout;
    const taken = takeOperatorCertificates(
      { caPem: await read('op-ca.pem'), certPem: await read('op.pem'), keyPem: await read('op.key') },
      { now: new Date(Date.now() + 60_000), addresses: ['127.32.0.1'] },
    );
    expect(taken.keyPem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    const [cert, key, anchor] = [
      file('t.pem', taken.certPem),
      file('t.key', taken.keyPem),
      file('t-ca.pem', taken.caPem),
    ];
    expect(await openssl('verify', '-CAfile', anchor, '-verify_ip', '127.32.0.1', cert)).toContain('OK');
    expect(await openssl('pkey', '-in', key, '-pubout')).toBe(
      await openssl('x509', '-in', cert, '-noout', '-pubkey'),
    );
  });
});

test.each(['rsa 512', 'rsa 1024'])(
  'the certificates of a server with a key of kind %s can be read, so that the weak key is named',
  async (kind) => {
    const { ca: issuer, intermediate, server: weak } = chainWith(kind, 'intermediate');
    const listener = createServer({
      ciphers: 'DEFAULT@SECLEVEL=0',
      key: weak.keyPem,
      cert: weak.certPem + intermediate.certPem,
    });
    await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
    onTestFinished(() => void listener.close());
    const { port } = listener.address() as { port: number };
    const found = await probeTls('127.0.0.1', port, 10_000);
    if (found.kind !== 'tls') throw new Error(JSON.stringify(found));
    const facts = { chainPem: found.chainPem, caPem: issuer.certPem, host: '10.0.0.5', now: NOW };
    expect(explainPeer(facts)?.facts.found).toContain('an RSA key of');
  },
);
