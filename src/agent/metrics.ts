// GET /metrics for Prometheus: readiness, boots, problems and the certificate.
import type { BootOutcome } from '../boot/boot.ts';
import { Problem } from '../core/problem.ts';
import { serveText, type TextServer } from '../host/http-server.ts';

/** What the numbers are rendered from. */
export interface MetricsSource {
  readonly ready: boolean;
  readonly boots: number;
  /** Of Flower and SuperExec. */
  readonly ends: number;
  readonly outcome: BootOutcome;
  readonly now: Date;
}

export class Metrics {
  #server: TextServer | undefined;

  /** Opens, moves or closes the port as the CONTEXT now says. Resolves with the problem when it cannot be opened. */
  async follow({ result, failure }: BootOutcome, source: () => MetricsSource): Promise<Problem | undefined> {
    const config = result?.config ?? failure?.config;
    const port = config?.FL_METRICS_ENABLED ? config.FL_METRICS_PORT : undefined;
    if (this.#server?.port === port) return undefined;
    this.end();
    if (port === undefined) return undefined;
    const opened = await serveText(port, '/metrics', () => renderMetrics(source()));
    if ('why' in opened)
      return new Problem('metrics_unavailable', {
        doing: `listening on port ${port} for metrics`,
        found: opened.why,
        variable: 'FL_METRICS_PORT',
      });
    this.#server = opened;
    return undefined;
  }

  end(): void {
    this.#server?.close();
    this.#server = undefined;
  }
}

/** @internal */
export function renderMetrics({ ready, boots, ends, outcome, now }: MetricsSource): string {
  const { result, failure, degradations, tookMs } = outcome;
  const rows: [name: string, type: 'gauge' | 'counter', help: string, value: number][] = [
    ['ready', 'gauge', '1 while this VM serves and has published it', Number(ready)],
    ['boots_total', 'counter', 'boots since the agent started', boots],
    [
      'flower_ends_total',
      'counter',
      'ends of Flower and SuperExec that nobody asked for, since the agent started',
      ends,
    ],
    [
      'problems',
      'gauge',
      'open problems of the last boot, warnings not counted',
      degradations.length + (failure?.problem.all.length ?? 0),
    ],
    ['boot_seconds', 'gauge', 'duration of the last boot', tookMs / 1_000],
  ];
  if (result?.renewAt !== undefined)
    rows.push([
      'certificate_renewal_seconds',
      'gauge',
      'until the server certificate is renewed',
      (result.renewAt.getTime() - now.getTime()) / 1_000,
    ]);
  return rows
    .map(([name, type, help, value]) => {
      const full = `flower_context_${name}`;
      return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${full} ${value}\n`;
    })
    .join('');
}
