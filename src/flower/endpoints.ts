// flower.json, beside the launch plan: where Flower listens, which endpoint SuperNodes dial, and the files of its TLS.
// Commands read it instead of Flower's arguments. It is not part of the plan: a changed plan restarts Flower.

import * as z from 'zod';
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { parseJson } from '../core/json.ts';
import { readText, writeIfChanged } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { profileFor, type SuperLinkListeners } from './profiles.ts';
import { credentials, type SuperLinkFacts, type SuperLinkSettings, type SuperNodeFacts } from './settings.ts';

const hostPort = z.lazy(() => z.object({ host: z.string().min(1), port: z.int().min(1).max(65_535) }));

const schema = z.lazy(() =>
  z.discriminatedUnion('role', [
    z.object({
      version: z.literal(1),
      role: z.literal('superlink'),
      flower_version: z.string(),
      /** What SuperNodes dial. */
      endpoint: hostPort,
      /** What SuperNodes without IPv4 dial. */
      endpoint6: hostPort.optional(),
      /** From Flower 1.37, `control` and `runtime` are the same listener. */
      listeners: z.object({ fleet: hostPort, control: hostPort, runtime: hostPort }),
      /** Null: plaintext. `loopback` is for the other listeners; it differs from `fleet` with an operator's certificate. */
      tls: z.nullable(z.object({ fleet: credentials, loopback: credentials })),
    }),
    z.object({
      version: z.literal(1),
      role: z.literal('supernode'),
      flower_version: z.string(),
      /** The Fleet API of the SuperLink. */
      endpoint: hostPort,
      listeners: z.object({ runtime: hostPort }),
      /** Null: plaintext. */
      tls: z.nullable(z.object({ ca: z.string() })),
    }),
  ]),
);
export type FlowerEndpoints = z.infer<typeof schema>;

/** `endpoint`: what SuperNodes dial. @throws Problem flower_version_unsupported */
export function superLinkEndpoints(
  config: Pick<SuperLinkSettings, 'FL_FLEET_API_ADDRESS' | 'FL_CONTROL_API_ADDRESS'>,
  { version, loopback, tls }: Pick<SuperLinkFacts, 'version' | 'loopback' | 'tls'>,
  endpoint: HostPort,
  endpoint6?: HostPort,
): FlowerEndpoints {
  return {
    version: 1,
    role: 'superlink',
    flower_version: version,
    endpoint,
    ...(endpoint6 && { endpoint6 }),
    listeners: superLinkListeners(config, version, loopback),
    tls: tls && { fleet: tls.operator ?? tls.own, loopback: tls.own },
  };
}

export const superNodeEndpoints = (
  facts: Pick<SuperNodeFacts, 'version' | 'loopback' | 'superlink' | 'ca'>,
): FlowerEndpoints => ({
  version: 1,
  role: 'supernode',
  flower_version: facts.version,
  endpoint: facts.superlink,
  listeners: { runtime: superNodeRuntime(facts.loopback) },
  tls: facts.ca === null ? null : { ca: facts.ca },
});

/** Where this version of Flower listens. @throws Problem flower_version_unsupported */
export const superLinkListeners = (
  config: Pick<SuperLinkSettings, 'FL_FLEET_API_ADDRESS' | 'FL_CONTROL_API_ADDRESS'>,
  version: string,
  loopback: string,
): SuperLinkListeners =>
  profileFor(version).listeners({
    fleet: config.FL_FLEET_API_ADDRESS,
    control: onLoopback(config.FL_CONTROL_API_ADDRESS, loopback),
    runtime: { host: loopback, port: 9091 },
  });

/** The API for the child processes of a SuperNode. */
export const superNodeRuntime = (loopback: string): HostPort => ({ host: loopback, port: 9094 });

/** The operator's 127.0.0.1 is the loopback address of this VM: another 127.x where several "VMs" share a machine. */
const onLoopback = (endpoint: HostPort, loopback: string): HostPort =>
  endpoint.host === '127.0.0.1' || endpoint.host === 'localhost' ? { ...endpoint, host: loopback } : endpoint;

export const writeEndpoints = (paths: Paths, endpoints: FlowerEndpoints): boolean =>
  writeIfChanged(paths.endpoints, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o644, durable: false });

/** Undefined before the first boot has written the file, or when it is not such a file. */
export const readEndpoints = ({ endpoints }: Paths): FlowerEndpoints | undefined =>
  parseJson(readText(endpoints, { owner: 'own' }), schema);

/** Every address that Flower listens on, each once. */
export const listenersOf = ({ listeners }: FlowerEndpoints): HostPort[] => [
  ...new Map(
    Object.values(listeners).map((address: HostPort) => [formatHostPort(address), address]),
  ).values(),
];

/** The file of the CA that SuperNodes trust; undefined in plaintext. */
export const trustedCa = (endpoints: FlowerEndpoints): string | undefined =>
  endpoints.role === 'superlink' ? endpoints.tls?.fleet.ca : endpoints.tls?.ca;

/** The address that a program on this VM dials to reach a listener. */
export const dialable = (listen: HostPort, loopback: string): HostPort =>
  listen.host === '0.0.0.0' || listen.host === '::' ? { ...listen, host: loopback } : listen;
