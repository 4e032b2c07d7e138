// Notices by itself that one-context has left another CONTEXT. systemd delivers a reload only to a unit that has
// started, and a SuperNode that waits for its SuperLink has not: a corrected address must reach it all the same.
import { watchFile } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { currentContextSha256 } from '../vm/load.ts';

/** one-contextd copies the file; what is read half-way is read again. */
const SETTLE_MS = 500;

export interface ContextWatch {
  /** Aborted when the CONTEXT is another one than `seen()` says; a new signal after each `renew()`. */
  readonly changed: AbortSignal;
  renew(): void;
  /** The CONTEXT on the disk is another one than `seen()` says, at this moment. */
  differs(): boolean;
  end(): void;
}

/** `seen` gives the checksum of the CONTEXT that was read last; undefined before the first reading. */
export function watchContext(
  machine: Machine,
  seen: () => string | undefined,
  onChange: () => void,
): ContextWatch {
  let controller = new AbortController();
  let settling = new AbortController();
  const differs = (): boolean => {
    const now = currentContextSha256(machine);
    const before = seen();
    return now !== undefined && before !== undefined && now !== before;
  };
  const look = (): void => {
    if (!differs()) return;
    controller.abort(new Error('the CONTEXT changed'));
    onChange();
  };
  const soon = (): void => {
    settling.abort();
    settling = new AbortController();
    machine.clock.sleep(SETTLE_MS, settling.signal).then(look, () => undefined);
  };
  const stops = machine.paths.contextFiles.map((path) => watchFile(path, soon));
  return {
    get changed() {
      return controller.signal;
    },
    renew() {
      controller = new AbortController();
      soon();
    },
    differs,
    end() {
      settling.abort();
      for (const stop of stops) stop();
    },
  };
}
