// How the work grows with its input. The clock of a busy machine does not say that; the processor time of this process
// does, when two sizes are compared. (Vitest runs each file in a process of its own. Of a thread alone the kernel tells
// the time only at its ticks.)

/** What `growth` may be at most: 8 is in proportion to the input, 64 goes with its square. */
export const PROPORTIONATE = 20;

const FACTOR = 8;
const TRIES = 3;
/** Enough for V8 to compile what runs. */
const LEAST_MS = 5;

const spentMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** Milliseconds for one run, over as many as it takes to measure them. */
function cost(work: () => unknown): number {
  const began = spentMs();
  let runs = 0;
  let spent: number;
  do {
    work();
    runs++;
    spent = spentMs() - began;
  } while (spent < LEAST_MS);
  return spent / runs;
}

/** How many times more processor time the work takes on an input eight times as large. */
export function growth<T>(input: (size: number) => T, size: number, work: (input: T) => unknown): number {
  const [small, large] = [input(size), input(size * FACTOR)];
  // Alternately, and the best of each: other work on the machine slows down some tries, not all.
  const tries = Array.from(
    { length: TRIES },
    () => [cost(() => work(small)), cost(() => work(large))] as const,
  );
  return Math.min(...tries.map(([, of]) => of)) / Math.min(...tries.map(([of]) => of));
}
