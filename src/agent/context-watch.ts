// Notices that one-context has left another CONTEXT. systemd delivers a reload only to a unit that has started, and a
// SuperNode that waits for its SuperLink has not: a corrected address must still reach it.
import { watchFile } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { currentContextSha256 } from '../vm/load.ts';

/** one-contextd copies the file; what is read half-way is read again. */
const SETTLE_MS = 500;

export interface ContextWatch {
  /** The CONTEXT on the disk is another one than was read, at this moment. */
  differs(): boolean;
  /** Compares again once the file has settled: after the CONTEXT was read. */
  check(): void;
  end(): void;
}

/** `read` gives the checksum of the CONTEXT that was read last; `changed` is called when the file differs from it. */
export function watchContext(
  machine: Machine,
  read: () => string | undefined,
  changed: () => void,
): ContextWatch {
  let settling = new AbortController();
  const differs = (): boolean => {
    const now = currentContextSha256(machine);
    const before = read();
    return now !== undefined && before !== undefined && now !== before;
  };
  const check = (): void => {
    settling.abort();
    settling = new AbortController();
    machine.clock.sleep(SETTLE_MS, settling.signal).then(
      () => differs() && changed(),
      () => undefined,
    );
  };
  const stops = machine.paths.contextFiles.map((path) => watchFile(path, check));
  return {
    differs,
    check,
    end() {
      settling.abort();
      for (const stop of stops) stop();
    },
  };
}
