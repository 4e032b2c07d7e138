// gRPC keepalive on the leg between SuperNode and SuperLink. Flower has no setting for any of these; the launcher puts
// them in inside Flower's own process. A client that pings more often than the server's minimum allows is told to go
// away (GOAWAY ENHANCE_YOUR_CALM), so the server's minimum is half of the clients' interval, and it never counts strikes.

/** One gRPC channel argument: its name and its value in gRPC's own unit. */
export type GrpcOption = readonly [name: string, value: number];

export interface GrpcOptions {
  readonly server: readonly GrpcOption[];
  readonly client: readonly GrpcOption[];
}

export interface KeepaliveSettings {
  /** Seconds without anything read before a ping is sent. */
  readonly FL_GRPC_KEEPALIVE_TIME: number;
  /** Seconds to wait for the ping's answer before the connection counts as dead. */
  readonly FL_GRPC_KEEPALIVE_TIMEOUT: number;
}

/** The options of both sides, from the operator's seconds. */
export function keepaliveOptions(settings: KeepaliveSettings): GrpcOptions {
  const time = settings.FL_GRPC_KEEPALIVE_TIME * 1000;
  const both: GrpcOption[] = [
    ['grpc.keepalive_time_ms', time],
    ['grpc.keepalive_timeout_ms', settings.FL_GRPC_KEEPALIVE_TIMEOUT * 1000],
    ['grpc.keepalive_permit_without_calls', 1],
    ['grpc.http2.max_pings_without_data', 0],
  ];
  return {
    client: both,
    server: [
      ...both,
      ['grpc.http2.min_recv_ping_interval_without_data_ms', time / 2],
      ['grpc.http2.max_ping_strikes', 0],
    ],
  };
}
