import { EXIT } from '../core/exit.ts';
import { remove, writeAtomic } from '../host/files.ts';
import { reload } from '../host/systemd.ts';
import { AGENT_UNIT, writerOf } from '../report/life.ts';
import { readStatus, type Status } from '../report/status.ts';
import { demandVm, untilFile } from './await-status.ts';
import { defineCommand } from './command.ts';
import { printErrorText, printText } from './terminal.ts';

export const apply = defineCommand({
  name: 'apply',
  summary: 'Show the change that waits for a restart of Flower, or apply it now',
  args: [],
  options: {
    now: { description: 'restart Flower now, also if that interrupts a run, and wait until it serves' },
  },
  text: 'A change that needs a restart of Flower waits, if Flower can run on without it: on a SuperLink until no run is active, on a SuperNode until it has worked on no message for 60 s. Exit status 0: no change is pending, or it was applied. 1: Flower does not serve with it. 3: a change is pending, or a boot is not finished.',
  examples: [
    ['flower-context apply', 'Show what is pending, since when and why'],
    ['flower-context apply --now', 'Apply it, and interrupt the run'],
  ],
  async run({ machine, flag }) {
    demandVm(machine);
    const { paths } = machine;
    const read = (): Status | undefined => readStatus(paths.status);
    const status = read();
    if (status === undefined || writerOf(status) === undefined) {
      printErrorText('the agent does not run: `systemctl start flower-context` applies the CONTEXT');
      return EXIT.notReady;
    }
    const { pending } = status;
    if (!flag('now')) {
      if (pending !== null) printText(describePending(pending).join('\n'));
      else if (status.phase === 'ready') printText('no change is pending');
      else printText('not known yet: the boot is not finished (`flower-context status`)');
      return pending === null && status.phase === 'ready' ? EXIT.ok : EXIT.notReady;
    }
    if (pending === null && status.phase === 'ready') {
      printText('no change is pending');
      return EXIT.ok;
    }
    writeAtomic(paths.applyNow, '', { mode: 0o600, durable: false });
    const refused = await reload(AGENT_UNIT);
    if (refused !== undefined) {
      printErrorText(`the agent was not asked (${refused}): \`systemctl restart flower-context\``);
      return EXIT.failed;
    }
    // Until the agent takes the request the status is that of before.
    const over = (now: Status | undefined): boolean => {
      if (now === undefined || now.updated_at === status.updated_at) return false;
      if (writerOf(now) === undefined) return true;
      return now.phase === 'ready' ? now.pending === null : now.phase !== 'booting';
    };
    const now = await untilFile(machine, { path: paths.status, read }, over);
    if (now?.phase === 'ready' && now.pending === null) {
      printText(pending === null ? 'applied' : `applied: ${pending.reason}`);
      return EXIT.ok;
    }
    // A boot that failed before it could restart Flower has left the request. A later change must not interrupt a run for it.
    remove(paths.applyNow);
    printErrorText('Flower does not serve with the change: `flower-context status`');
    return EXIT.failed;
  },
});

/** Lines for a person. */
export const describePending = ({ reason, since, because }: NonNullable<Status['pending']>): string[] => [
  `pending since ${since}: ${reason}`,
  `  Flower is restarted for it when no run is interrupted; now ${because}`,
  '  apply it now: `flower-context apply --now`',
];
