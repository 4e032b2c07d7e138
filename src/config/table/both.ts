// Both roles, role level: each role of a service has a value of its own.

import { err, ok, type Result } from '../../core/result.ts';
import { certificates, MOST_SECONDS, oneOf, text, wholeNumber, yesNo } from '../kinds.ts';
import { BOTH, optional, withDefault } from '../variable.ts';

const AT = { roles: BOTH, level: 'role' } as const;

/** Ports that some supported version of Flower listens on by itself (facts: Flower 1.31-1.39). */
const FLOWER_PORTS: readonly number[] = [8000, 9091, 9092, 9093, 9094];

const metricsPort = wholeNumber({ least: 1024, most: 65_535 });

function readMetricsPort(given: string): Result<number> {
  const port = metricsPort.schema.safeParse(given);
  if (!port.success) return err(port.error.issues[0]!.message);
  return FLOWER_PORTS.includes(port.data) ? err('Flower itself uses this port') : ok(port.data);
}

export const BOTH_ROLES = {
  FL_ISOLATION: withDefault({
    ...AT,
    title: 'App execution isolation mode',
    ...oneOf(['subprocess', 'process']),
    default: 'subprocess',
    description:
      "Flower's `--isolation`: subprocess starts apps by itself, process leaves that to a SuperExec that the operator runs.",
    example: 'process',
  }),

  FL_SSL_CA_CERTFILE: optional({
    ...AT,
    title: 'CA certificate (base64 PEM)',
    ...certificates(),
    description:
      "SuperLink: the CA of the operator's certificate. SuperNode: the only CA that is trusted, whatever OneGate says.",
    example: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI...',
  }),

  FL_GRPC_KEEPALIVE_TIME: withDefault({
    ...AT,
    title: 'gRPC keepalive interval in seconds',
    ...wholeNumber({ least: 1, most: MOST_SECONDS }),
    default: '60',
    description:
      'A silent connection is probed after so long; a SuperLink accepts probes at half of it. Below 10 is a warning.',
    example: '30',
  }),

  FL_GRPC_KEEPALIVE_TIMEOUT: withDefault({
    ...AT,
    title: 'gRPC keepalive ACK timeout in seconds',
    ...wholeNumber({ least: 1, most: MOST_SECONDS }),
    default: '20',
    description:
      'A probe unanswered for so long means that the connection is dead. Less than FL_GRPC_KEEPALIVE_TIME.',
    example: '10',
  }),

  FL_METRICS_ENABLED: withDefault({
    ...AT,
    title: 'Enable Prometheus metrics',
    ...yesNo(),
    default: 'NO',
    description: 'The agent serves /metrics.',
    example: 'YES',
  }),

  FL_METRICS_PORT: withDefault({
    ...AT,
    title: 'Prometheus metrics port',
    ...text('a port from 1024 to 65535 that Flower does not use', readMetricsPort, 'number'),
    default: '9101',
    description: 'Where /metrics is served.',
    example: '9101',
  }),
} as const;
