// gRPC keepalive between SuperNode and SuperLink, which the launcher sets inside Flower's process: docs/facts.md,
// "keepalive". A server sends GOAWAY to a client that pings more often than its minimum. So the minimum is half of the
// clients' interval, and the server never counts strikes. Also the longest pause between two connections that a client tries.
import type { SuperLinkConfig } from '../config/config.ts';

/** gRPC makes its pauses longer, up to 120 s, whatever Flower tries meanwhile: docs/facts.md, "grpc-reconnect". */
const LONGEST_PAUSE_MS = 10_000;

/** A gRPC channel argument: its name, and its value in the unit of gRPC. */
type GrpcOption = [name: string, value: number];

export function keepaliveOptions(
  settings: Pick<SuperLinkConfig, 'FL_GRPC_KEEPALIVE_TIME' | 'FL_GRPC_KEEPALIVE_TIMEOUT'>,
): { server: GrpcOption[]; client: GrpcOption[] } {
  const time = settings.FL_GRPC_KEEPALIVE_TIME * 1000;
  const both: GrpcOption[] = [
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
