import { EXIT } from '../core/exit.ts';
import { exists } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { print, printError } from '../host/output.ts';
import { startAndWait } from '../host/systemd.ts';
import { contextThatWasRead, discContext } from '../vm/disc.ts';
import { defineCommand } from './command.ts';

const UNIT = 'one-context-reconfigure.service';
/** one-contextd has ended as soon as its lock is gone; longer than this none holds it that still lives. */
const AT_REST_WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 500;
/** Runs of one-context that leave what they found, before this gives up. */
const FRUITLESS_RUNS = 3;
const PAUSE_MS = 10_000;

export const reread = defineCommand({
  name: 'reread',
  summary: 'starts one-context again when the CONTEXT disc is not what it has read',
  args: [],
  options: {},
  text: 'What flower-context-reread.service runs when one-context has ended. one-context reads the disc once, at its beginning, and\nsystemd joins a request to start it with a run that goes on: a change of the CONTEXT at that time would be lost.',
  examples: [['systemctl start flower-context-reread', 'the way it is started on a VM']],
  async run({ machine }) {
    for (let fruitless = 0; ; ) {
      if (!(await atRest(machine))) {
        printError(`${machine.paths.oneContextLock} is still there: one-context did not end\n`);
        return EXIT.failed;
      }
      const read = contextThatWasRead(machine);
      const onDisc = discContext(machine);
      if (read === undefined || onDisc === undefined || read === onDisc) return EXIT.good;
      if (fruitless === FRUITLESS_RUNS) {
        printError(
          `one-context has not taken over the CONTEXT of the disc; what to do: journalctl -u ${UNIT}\n`,
        );
        return EXIT.failed;
      }
      print('the CONTEXT was changed while one-context was at work: starting it again\n');
      const why = await startAndWait(UNIT);
      if (why !== undefined) printError(`${why}\n`);
      if (contextThatWasRead(machine) !== read) fruitless = 0;
      else if (++fruitless < FRUITLESS_RUNS) await machine.clock.sleep(PAUSE_MS);
    }
  },
});

/** Waits until no one-contextd is at work; false when that took too long. */
async function atRest({ clock, paths }: Machine): Promise<boolean> {
  const end = clock.monotonicMs() + AT_REST_WITHIN_MS;
  while (exists(paths.oneContextLock)) {
    if (clock.monotonicMs() >= end) return false;
    await clock.sleep(LOOK_EVERY_MS);
  }
  return true;
}
