// The short report at the end of the demo. Every number in it is one that the nodes or Flower gave.
import type { FlowerState } from '../../src/flower/state-file.ts';
import type { Status } from '../../src/report/status.ts';
import type { Training } from '../support/zone/training.ts';

export interface NodeReport {
  readonly name: string;
  readonly address: string;
  readonly status: Status;
  readonly link: FlowerState | undefined;
}

export interface DemoReport {
  readonly nodes: readonly NodeReport[];
  readonly training: Training;
  /** From `make demo` to every node ready, and to the end of the last round. */
  readonly secondsUntilUp: number;
  readonly seconds: number;
}

export function report({ nodes, training, secondsUntilUp, seconds }: DemoReport): string {
  return [
    '',
    ...nodes.flatMap(nodeLines),
    ...trainingLines(training),
    '',
    `Up after ${secondsUntilUp.toFixed(1)} s, ${training.rounds.length} rounds in ${training.seconds.toFixed(1)} s, ${seconds.toFixed(1)} s in all.`,
    '',
  ].join('\n');
}

function nodeLines({ name, address, status, link }: NodeReport): string[] {
  const { facts } = status;
  const of = (key: string): string => {
    const value = facts[key];
    return Array.isArray(value) ? value.join(' ') : String(value ?? '-');
  };
  const own =
    status.role === 'superlink'
      ? [`  endpoint ${of('endpoint')}, TLS ${facts.tls ? 'on' : 'off'}`, `  certificate for ${of('sans')}`]
      : [`  partition ${of('partition_id')} of ${of('num_partitions')}, Flower's node id ${of('node_id')}`];
  const width = Math.max(...status.steps.map((step) => step.title.length));
  return [
    `${name} (${address}), Flower ${of('flower_version')}`,
    ...own,
    `  ${keepalive(link)}`,
    ...status.steps.map(
      (step) => `    ${step.title.padEnd(width)}  ${milliseconds(step.ms).padStart(9)}  ${step.state}`,
    ),
    '',
  ];
}

/** The keepalive of the connections of SuperNodes, as the launcher read it in Flower's process. */
function keepalive(link: FlowerState | undefined): string {
  const options = new Map([...(link?.options.server ?? []), ...(link?.options.client ?? [])]);
  const seconds = (name: string, unit: number): string => {
    const value = options.get(name);
    return value === undefined ? 'not set' : `${Number(value) / unit} s`;
  };
  return options.has('SO_KEEPALIVE')
    ? `TCP keepalive in force: after ${seconds('TCP_KEEPIDLE', 1)}, answer within ${seconds('TCP_USER_TIMEOUT', 1000)}`
    : `gRPC keepalive in force: every ${seconds('grpc.keepalive_time_ms', 1000)}, answer within ${seconds('grpc.keepalive_timeout_ms', 1000)}`;
}

const milliseconds = (ms: number | null): string =>
  ms === null ? '' : ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

function trainingLines({ rounds }: Training): string[] {
  const names = [...new Set(rounds.flatMap(({ metrics }) => Object.keys(metrics)))];
  const head = ['round', 'nodes', ...names];
  const rows = rounds.map(({ round, results, failures, metrics }) => [
    String(round),
    failures === 0 ? String(results) : `${results} (${failures} failed)`,
    ...names.map((name) =>
      metrics[name] === undefined ? '-' : Number(metrics[name].toPrecision(4)).toString(),
    ),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  return [head, ...rows].map(
    (row) => `  ${row.map((cell, column) => cell.padStart(widths[column]!)).join('  ')}`,
  );
}
