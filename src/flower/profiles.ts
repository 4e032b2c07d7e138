// What differs between Flower versions: docs/facts.md, "flower-versions". What the launcher relies on inside Flower is in
// appliance/lib/flower_launch/flower.py, fleet_server.py and fleet_client.py.
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { parseVersion } from '../core/version.ts';

/** The APIs of a SuperLink, each with its listener. Two with the same address share one. */
export interface SuperLinkListeners {
  readonly fleet: HostPort;
  readonly control: HostPort;
  /** Flower's API for its own child processes (ServerAppIo, Runtime): this VM only. */
  readonly runtime: HostPort;
}

/** How SuperNodes talk to the Fleet API. Two generations of Flower do not understand each other. */
export const TRANSPORTS = ['grpc', 'http'] as const;
export type Transport = (typeof TRANSPORTS)[number];

interface Profile {
  /** First and last X.Y of the range, both inclusive. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly transport: Transport;
  /**
   * The most bytes of a request that the launcher's listener passes to the Fleet API; undefined: that listener is Flower's
   * own. Flower divides an update into parts of 20 MiB (docs/facts.md, "http-fleet").
   */
  readonly largestBody?: number;
  /** Where a SuperLink of this range listens when these listeners are wanted. */
  listeners(wanted: SuperLinkListeners): SuperLinkListeners;
  /** Listen arguments of flower-superlink; `listeners` as the function above gives them. */
  superlinkArguments(listeners: SuperLinkListeners): string[];
  /** Listen arguments of flower-supernode for the API of its child processes. */
  supernodeArguments(runtime: HostPort): string[];
  /** The flag of flower-superexec for the address of that API. */
  readonly superexecAddress: '--appio-api-address' | '--runtime-api-address';
  /**
   * Seconds between two questions of SuperExec for a task; undefined: Flower has no setting for it. Each task of a round
   * waits for half of it on average, and a question on loopback costs some milliseconds of CPU. Flower takes 0.01 to 60.
   */
  readonly taskPollSeconds?: number;
  /** The SuperLink's API for its child processes uses TLS if the Fleet API does. A SuperNode's is always plaintext. */
  readonly runtimeTls: boolean;
}

const grpcFleet = ({ fleet }: SuperLinkListeners): string[] => [
  ...['--fleet-api-type', 'grpc-rere'],
  ...['--fleet-api-address', formatHostPort(fleet)],
];
/** Half of Flower's own second. */
const TASK_POLL_SECONDS = 0.5;
const http = ({ host, port }: HostPort): string[] => ['--host', host, '--port', String(port)];

/** From 1.37 on: the Control API and the API of the child processes are HTTP and share a listener. */
const SHARED_LISTENER = {
  listeners: (wanted) => ({ ...wanted, runtime: wanted.control }),
  supernodeArguments: http,
  superexecAddress: '--runtime-api-address',
  taskPollSeconds: TASK_POLL_SECONDS,
  runtimeTls: true,
} satisfies Partial<Profile>;

/** @internal */
export const PROFILES: readonly Profile[] = [
  {
    // All APIs are gRPC. The API of the child processes is plaintext: without --appio-ssl-* Flower starts them with
    // --insecure.
    from: [1, 31],
    to: [1, 34],
    transport: 'grpc',
    listeners: (wanted) => wanted,
    superlinkArguments: (listeners) => [
      ...grpcFleet(listeners),
      ...['--control-api-address', formatHostPort(listeners.control)],
      ...['--serverappio-api-address', formatHostPort(listeners.runtime)],
    ],
    supernodeArguments: (runtime) => ['--clientappio-api-address', formatHostPort(runtime)],
    superexecAddress: '--appio-api-address',
    runtimeTls: false,
  },
  {
    // The API of the child processes is HTTP.
    from: [1, 35],
    to: [1, 36],
    transport: 'grpc',
    listeners: (wanted) => wanted,
    superlinkArguments: (listeners) => [
      ...grpcFleet(listeners),
      ...['--control-api-address', formatHostPort(listeners.control)],
      ...http(listeners.runtime),
    ],
    supernodeArguments: http,
    // 1.35 knows only this one; 1.36 takes it with a warning.
    superexecAddress: '--appio-api-address',
    // 1.36 is the first that reads it; 1.35 ignores it.
    taskPollSeconds: TASK_POLL_SECONDS,
    runtimeTls: false,
  },
  {
    // The Control API is HTTP too and shares the listener, which uses TLS if the Fleet API does.
    from: [1, 37],
    to: [1, 39],
    ...SHARED_LISTENER,
    transport: 'grpc',
    superlinkArguments: (listeners) => [...grpcFleet(listeners), ...http(listeners.control)],
  },
  {
    // All three APIs are HTTP and share Flower's listener, which asks nobody who he is. It stays where the Control API is
    // wanted; the launcher opens the listener of the Fleet API, which passes the calls of SuperNodes only
    // (appliance/lib/flower_launch/fleet_server.py).
    from: [1, 40],
    to: [1, 42],
    ...SHARED_LISTENER,
    transport: 'http',
    largestBody: 256 * 1024 * 1024,
    superlinkArguments: ({ control }) => http(control),
  },
];

/** The oldest and the newest range, as text. */
const SUPPORTED = `${PROFILES[0]!.from.join('.')} to ${PROFILES.at(-1)!.to.join('.')}`;

/**
 * The profile for a Flower version, X.Y.Z.
 * @throws Problem flower_version_unsupported
 */
export function profileFor(version: string): Profile {
  const wanted = parseVersion(version);
  const found =
    wanted &&
    PROFILES.find(
      ({ from, to }) => wanted.major === from[0] && wanted.minor >= from[1] && wanted.minor <= to[1],
    );
  if (found) return found;
  throw new Problem('flower_version_unsupported', {
    doing: 'choosing how to start Flower',
    found: wanted === undefined ? `'${version}' is not a version` : `Flower ${version}`,
    expected: `a version from ${SUPPORTED}`,
    variable: 'FLOWER_VERSION',
    example: `${PROFILES.at(-1)!.to.join('.')}.0`,
  });
}
