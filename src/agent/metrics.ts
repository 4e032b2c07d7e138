// GET /metrics for Prometheus: few numbers, all of them about what the agent promises.

import type { BootOutcome } from '../boot/boot.ts';
import { Problem } from '../core/problem.ts';
import { serveText, type TextServer } from '../host/http-server.ts';
import type { Machine } from '../host/machine.ts';
import type { Report } from '../report/report.ts';

export interface Metrics {
  /** Opens, moves or closes the port as the CONTEXT now says. */
  follow(outcome: BootOutcome): Promise<void>;
  end(): void;
}

export function serveMetrics(report: Report, machine: Machine): Metrics {
  let server: TextServer | undefined;
  let boots = 0;
  return {
    async follow(outcome) {
      boots++;
      const config = outcome.known.peek('config');
      const port = config?.FL_METRICS_ENABLED ? config.FL_METRICS_PORT : undefined;
      if (server?.port === port) return;
      server?.close();
      server = undefined;
      if (port === undefined) return;
      const opened = await serveText(port, '/metrics', () => render(report, outcome, boots, machine));
      if ('why' in opened) {
        report.problem(
          new Problem('metrics_unavailable', {
            doing: `listening on port ${port} for metrics`,
            found: opened.why,
            variable: 'FL_METRICS_PORT',
          }),
        );
      } else server = opened;
    },
    end: () => server?.close(),
  };
}

function render(report: Report, { known }: BootOutcome, boots: number, { clock }: Machine): string {
  const { status } = report;
  const renewAt = known.peek('renewAt');
  const rows: [name: string, help: string, value: number][] = [
    [
      'flower_context_ready',
      '1 while this VM serves and has published it',
      Number(status.phase === 'ready' && status.serving),
    ],
    ['flower_context_boots_total', 'how often the steps were gone through since the agent started', boots],
    [
      'flower_context_problems',
      'problems that stand now',
      status.problems.filter(({ kind }) => kind !== 'warning').length,
    ],
    [
      'flower_context_boot_seconds',
      'how long the last pass took',
      status.steps.reduce((sum, { ms }) => sum + (ms ?? 0), 0) / 1_000,
    ],
    ...(renewAt === undefined
      ? []
      : [
          [
            'flower_context_certificate_renewal_seconds',
            'until the server certificate is renewed',
            (renewAt.getTime() - clock.now().getTime()) / 1_000,
          ] as [string, string, number],
        ]),
  ];
  return rows
    .map(([name, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`)
    .join('');
}
