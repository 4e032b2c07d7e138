// Sockets: free ports, the certificates of a server, and the DNS name of an address.
import { Resolver } from 'node:dns/promises';
import { connect as connectTcp, createServer, type ListenOptions, type Server } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { describeError, errorCode } from './errno.ts';

function listening(options: ListenOptions): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => resolve(server));
  });
}

/** Listens on `host:port` for a moment. Undefined after success, else the errno. */
export async function tryListen(host: string, port: number): Promise<string | undefined> {
  try {
    const server = await listening({ host, port, exclusive: true });
    await promisify(server.close).call(server);
    return undefined;
  } catch (error) {
    return errorCode(error);
  }
}

/** Opens a connection and closes it. Undefined after success, else the reason. */
export function tryConnect(host: string, port: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port });
    const done = (why: string | undefined): void => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(timeoutMs, () => done(`no answer within ${timeoutMs / 1000} s`));
    socket.once('error', (error) => done(describeError(error)));
    socket.once('connect', () => done(undefined));
  });
}

export type TlsProbe =
  | { readonly kind: 'tls'; readonly chainPem: string }
  | { readonly kind: 'plain' }
  | { readonly kind: 'unreachable'; readonly why: string };

/**
 * What listens at `host:port`: a TLS server with its certificates (leaf first), a listener without TLS, or nothing that
 * answers within `timeoutMs`. Nothing is verified.
 */
export function probeTls(host: string, port: number, timeoutMs: number): Promise<TlsProbe> {
  return new Promise((resolve) => {
    let why = `no answer within ${timeoutMs / 1000} s`;
    const tcp = connectTcp({ host, port });
    const done = (result: TlsProbe): void => {
      clearTimeout(timer);
      tcp.destroy();
      resolve(result);
    };
    const unreachable = (why: string): void => done({ kind: 'unreachable', why });
    const timer = setTimeout(() => unreachable(why), timeoutMs);
    tcp.once('error', (error) => unreachable(describeError(error)));
    tcp.once('connect', () => {
      why = 'it accepts connections but does not answer';
      const tls = connectTls(
        {
          socket: tcp,
          rejectUnauthorized: false,
          // Also a certificate that OpenSSL would refuse for its weak key: the caller names what is wrong with it.
          ciphers: 'DEFAULT@SECLEVEL=0',
          ALPNProtocols: ['h2'],
          ...serverName(host),
        },
        () => done({ kind: 'tls', chainPem: chainOf(tls.getPeerX509Certificate()) }),
      );
      tls.once('error', () => done({ kind: 'plain' }));
    });
  });
}

function chainOf(leaf: ReturnType<TLSSocket['getPeerX509Certificate']>): string {
  const chain: string[] = [];
  for (let at = leaf; at !== undefined && chain.length < 8; at = at.issuerCertificate) {
    if (chain.includes(at.toString())) break;
    chain.push(at.toString());
  }
  return chain.join('');
}

/** SNI is for names only: an address is a protocol error. */
const serverName = (host: string): { servername?: string } =>
  /^[\d.]+$|:/.test(host) ? {} : { servername: host };

/** The name of an address in DNS; undefined without an answer within `timeoutMs`. */
export async function nameOf(
  address: string,
  timeoutMs: number,
  servers?: readonly string[],
): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  const timer = setTimeout(() => resolver.cancel(), timeoutMs);
  try {
    return (await resolver.reverse(address))[0];
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
