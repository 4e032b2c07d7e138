// Both roles, role level: each role of a service has its own value.
import { err, ok, type Result } from '../../core/result.ts';
import { ROLES } from '../../core/role.ts';
import { certificates, MOST_SECONDS, oneOf, text, wholeNumber, yesNo } from '../kinds.ts';
import { rowsOf } from '../variable.ts';

const row = rowsOf('role', ...ROLES);

/** Default ports of the daemons of Flower 1.31 to 1.39. */
const FLOWER_PORTS: readonly number[] = [8000, 9091, 9092, 9093, 9094];

const metricsPort = wholeNumber({ least: 1024, most: 65_535 });

function readMetricsPort(given: string): Result<number> {
  const port = metricsPort.schema.safeParse(given);
  if (!port.success) return err(port.error.issues[0]!.message);
  return FLOWER_PORTS.includes(port.data) ? err('Flower itself uses this port') : ok(port.data);
}

export const BOTH_ROLES = {
  FL_ISOLATION: row({
    title: 'App execution isolation mode',
    ...oneOf(['subprocess', 'process']),
    default: 'subprocess',
    description:
      'Who runs the apps. subprocess: the user flower, which also has the keys of Flower. process: the user flower-app, which has none; choose it if apps of others run here. See docs/operate.md, "Isolation of apps".',
    example: 'process',
  }),

  FL_SSL_CA_CERTFILE: row({
    title: 'CA certificate (base64 PEM)',
    ...certificates(),
    description:
      "SuperLink: the CA of the operator's certificate. SuperNode: the only trusted CA; the CA on OneGate is ignored.",
    example: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI...',
  }),

  FL_GRPC_KEEPALIVE_TIME: row({
    title: 'Keepalive interval in seconds',
    ...wholeNumber({ least: 1, most: MOST_SECONDS }),
    default: '60',
    description:
      'Time without traffic before a probe: a ping of gRPC up to Flower 1.39, a probe of TCP from 1.40 on. With gRPC, a SuperLink accepts probes at half of this interval. A value below 10 is a warning.',
    example: '30',
  }),

  FL_GRPC_KEEPALIVE_TIMEOUT: row({
    title: 'Keepalive timeout in seconds',
    ...wholeNumber({ least: 1, most: MOST_SECONDS }),
    default: '20',
    description:
      'A connection without an answer to a probe for this time is closed. From Flower 1.40 on, so is one whose data nobody acknowledges. Must be less than FL_GRPC_KEEPALIVE_TIME.',
    example: '10',
  }),

  FL_METRICS_ENABLED: row({
    title: 'Enable Prometheus metrics',
    ...yesNo(),
    default: 'NO',
    description: 'YES: the agent serves Prometheus metrics at /metrics.',
    example: 'YES',
  }),

  FL_METRICS_PORT: row({
    title: 'Prometheus metrics port',
    ...text('a port from 1024 to 65535 that Flower does not use', readMetricsPort, 'number'),
    default: '9101',
    description: 'The port of /metrics.',
    example: '9101',
  }),
} as const;
