// What differs between Flower versions in the arguments of the two daemons: docs/facts.md, "flower-versions". What the
// launcher relies on inside Flower is in appliance/lib/flower_launch/flower.py.
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

interface Profile {
  /** First and last X.Y of the range, both inclusive. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  /** Where a SuperLink of this range listens when these listeners are wanted. */
  listeners(wanted: SuperLinkListeners): SuperLinkListeners;
  /** Listen arguments of flower-superlink, besides those of the Fleet API; `listeners` as the function above gives them. */
  superlinkArguments(listeners: SuperLinkListeners): string[];
  /** Listen arguments of flower-supernode for the API of its child processes. */
  supernodeArguments(runtime: HostPort): string[];
  /** The flag of flower-superexec for the address of that API. */
  readonly superexecAddress: '--appio-api-address' | '--runtime-api-address';
  /** The SuperLink's API for its child processes uses TLS if the Fleet API does. A SuperNode's is always plaintext. */
  readonly runtimeTls: boolean;
}

const http = ({ host, port }: HostPort): string[] => ['--host', host, '--port', String(port)];

/** @internal */
export const PROFILES: readonly Profile[] = [
  {
    // All APIs are gRPC. The API of the child processes is plaintext: without --appio-ssl-* Flower starts them with
    // --insecure.
    from: [1, 31],
    to: [1, 34],
    listeners: (wanted) => wanted,
    superlinkArguments: ({ control, runtime }) => [
      ...['--control-api-address', formatHostPort(control)],
      ...['--serverappio-api-address', formatHostPort(runtime)],
    ],
    supernodeArguments: (runtime) => ['--clientappio-api-address', formatHostPort(runtime)],
    superexecAddress: '--appio-api-address',
    runtimeTls: false,
  },
  {
    // The API of the child processes is HTTP.
    from: [1, 35],
    to: [1, 36],
    listeners: (wanted) => wanted,
    superlinkArguments: ({ control, runtime }) => [
      ...['--control-api-address', formatHostPort(control)],
      ...http(runtime),
    ],
    supernodeArguments: http,
    // 1.35 knows only this one; 1.36 takes it with a warning.
    superexecAddress: '--appio-api-address',
    runtimeTls: false,
  },
  {
    // The Control API is HTTP too and shares the listener, which uses TLS if the Fleet API does.
    from: [1, 37],
    to: [1, 39],
    listeners: (wanted) => ({ ...wanted, runtime: wanted.control }),
    superlinkArguments: ({ control }) => http(control),
    supernodeArguments: http,
    superexecAddress: '--runtime-api-address',
    runtimeTls: true,
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
    ...(wanted && wanted.major === 1 && wanted.minor >= 40
      ? { remedy: 'choose 1.39.0 or older: from 1.40 SuperNodes use HTTP, which has no gRPC keepalive' }
      : {}),
    variable: 'FLOWER_VERSION',
    example: '1.39.0',
  });
}
