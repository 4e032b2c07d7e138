// The message of the day: what a person who logs in wants to know first.
import { dirname } from 'node:path';
import { Problem } from '../core/problem.ts';
import { ensureFolder, writeIfChanged } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';

/** `submits`: this VM takes runs. A message that cannot be written is not worth a failure. */
export function writeMotd(paths: Paths, sentence: string, submits: boolean): void {
  const lines = [
    `flower-context: ${sentence}`,
    '  flower-context status             boot steps, current wait and open problems',
    '  journalctl -u flower-context      boot log',
    ...(submits
      ? [
          '  flower-context submit quickstart  start a run, here of the example app, with the settings of the CONTEXT',
          `  ${paths.runConfig}   those settings, for \`flwr run --run-config\``,
        ]
      : []),
  ];
  try {
    ensureFolder(dirname(paths.motd), { mode: 0o755 });
    writeIfChanged(paths.motd, `${lines.join('\n')}\n`, { mode: 0o644, durable: false });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}
