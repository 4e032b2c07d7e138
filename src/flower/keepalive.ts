// Keepalive between SuperNode and SuperLink, which the launcher sets inside Flower's process. What the two variables do depends
// on the transport: docs/facts.md, "keepalive" (gRPC) and "http-keepalive".
import type { SuperLinkConfig } from '../config/config.ts';

import type { Transport } from './profiles.ts';

/** The options of one side: a channel argument of gRPC, or an option of a TCP socket, and its value in their own unit. */
type TransportOption = [name: string, value: number];
export interface TransportOptions {
  server: TransportOption[];
  client: TransportOption[];
}

type Settings = Pick<SuperLinkConfig, 'FL_GRPC_KEEPALIVE_TIME' | 'FL_GRPC_KEEPALIVE_TIMEOUT'>;

export const keepaliveOptions = (settings: Settings, transport: Transport): TransportOptions =>
  transport === 'grpc' ? grpcOptions(settings) : tcpOptions(settings);

/** gRPC makes its pauses longer, up to 120 s, whatever Flower tries meanwhile: docs/facts.md, "grpc-reconnect". */
const LONGEST_PAUSE_MS = 10_000;

/**
 * A server sends GOAWAY to a client that pings more often than its minimum. So the minimum is half of the clients' interval,
 * and the server never counts strikes. Also the longest pause between two connections that a client tries.
 */
function grpcOptions(settings: Settings): TransportOptions {
  const time = settings.FL_GRPC_KEEPALIVE_TIME * 1000;
  const both: TransportOption[] = [
    ['grpc.keepalive_time_ms', time],
    ['grpc.keepalive_timeout_ms', settings.FL_GRPC_KEEPALIVE_TIMEOUT * 1000],
    ['grpc.keepalive_permit_without_calls', 1],
    ['grpc.http2.max_pings_without_data', 0],
  ];
  return {
    client: [...both, ['grpc.max_reconnect_backoff_ms', LONGEST_PAUSE_MS]],
    server: [
      ...both,
      ['grpc.http2.min_recv_ping_interval_without_data_ms', time / 2],
      ['grpc.http2.max_ping_strikes', 0],
    ],
  };
}

/**
 * Options of tcp(7). After TIME without a byte the kernel sends one probe, and closes the connection TIMEOUT later: with
 * TCP_USER_TIMEOUT it sends no second one. Data that nobody acknowledges closes it after TIMEOUT.
 */
function tcpOptions(settings: Settings): TransportOptions {
  const both: TransportOption[] = [
    ['SO_KEEPALIVE', 1],
    ['TCP_KEEPIDLE', settings.FL_GRPC_KEEPALIVE_TIME],
    ['TCP_KEEPINTVL', settings.FL_GRPC_KEEPALIVE_TIMEOUT],
    ['TCP_KEEPCNT', 1],
    ['TCP_USER_TIMEOUT', settings.FL_GRPC_KEEPALIVE_TIMEOUT * 1000],
  ];
  return { client: both, server: both };
}
