import type { Buffer } from 'node:buffer';
import { EXIT } from '../core/exit.ts';
import { exists, readBytes, realPath } from '../host/files.ts';
import { readFromDisc } from '../host/iso.ts';
import type { Machine } from '../host/machine.ts';
import { MOST_OF_A_CONTEXT } from '../host/read.ts';
import { startAndWait } from '../host/systemd.ts';
import { defineCommand } from './command.ts';
import { printErrorText, printText } from './terminal.ts';

const UNIT = 'one-context-reconfigure.service';
/** one-contextd removes its lock when it ends. After this time a lock belongs to no living process. */
const ENDED_WITHIN_MS = 600_000;
const CHECK_EVERY_MS = 500;
/** Gives up after so many runs of one-context that do not read the new CONTEXT. */
const FRUITLESS_RUNS = 3;
const PAUSE_MS = 10_000;
const CONTEXT = { most: MOST_OF_A_CONTEXT };

export const reread = defineCommand({
  name: 'reread',
  summary: 'Run one-context again if the CONTEXT disc has changed since it read it',
  args: [],
  options: {},
  text: 'flower-context-reread.service runs this command after one-context has ended. one-context reads the disc once, at its start. While it runs, systemd ignores a request to start it, so a change of the CONTEXT at that time would be lost.',
  examples: [['systemctl start flower-context-reread', 'Start the service on a VM']],
  async run({ machine }) {
    for (let fruitless = 0; ; ) {
      if (!(await hasEnded(machine))) {
        printErrorText(`one-context did not end: ${machine.paths.oneContextLock} still exists`);
        return EXIT.failed;
      }
      const read = contextThatWasRead(machine);
      const onDisc = discContext(machine);
      if (read === undefined || onDisc === undefined || read === onDisc) return EXIT.ok;
      if (fruitless === FRUITLESS_RUNS) {
        printErrorText(
          `one-context has not read the CONTEXT of the disc\n  what to do: \`journalctl -u ${UNIT}\``,
        );
        return EXIT.failed;
      }
      printText('the CONTEXT changed while one-context ran: starting it again');
      const why = await startAndWait(UNIT);
      if (why !== undefined) printErrorText(why);
      if (contextThatWasRead(machine) !== read) fruitless = 0;
      else if (++fruitless < FRUITLESS_RUNS) await machine.clock.sleep(PAUSE_MS);
    }
  },
});

/** Waits until no one-contextd runs; false when that took too long. */
async function hasEnded({ clock, paths }: Machine): Promise<boolean> {
  const end = clock.monotonicMs() + ENDED_WITHIN_MS;
  while (exists(paths.oneContextLock)) {
    if (clock.monotonicMs() >= end) return false;
    await clock.sleep(CHECK_EVERY_MS);
  }
  return true;
}

/** The CONTEXT as OpenNebula has it now. one-contextd too finds the disc by its label, and never on a loop device. */
function discContext({ paths }: Machine): string | undefined {
  for (const device of paths.contextDiscs) {
    if (/\/loop\d+$/.test(realPath(device) ?? '')) continue;
    const bytes = readFromDisc(device, 'CONTEXT', 'context.sh');
    if (bytes !== undefined) return textOf(bytes);
  }
  return textOf(readBytes(paths.contextFolderFile, CONTEXT));
}

/** What one-contextd has read last, once its network stage has run in this boot. */
const contextThatWasRead = ({ paths }: Machine): string | undefined =>
  textOf(readBytes(paths.contextFiles[0], CONTEXT));

/** When a NIC is removed, a udev rule appends an empty line to the file: that is no other CONTEXT. */
const textOf = (bytes: Buffer | undefined): string | undefined =>
  bytes?.toString('latin1').replace(/\n+$/, '');
