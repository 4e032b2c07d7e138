// Writes to standard output and error synchronously: no line is lost when the process ends.
import { writeSync } from 'node:fs';

function write(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  let at = 0;
  for (let refused = 0; at < bytes.length && refused < 1000; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      // EAGAIN: the pipe is full. EPIPE: there is no reader; drop the output.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      refused++;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

export const print = (text: string): void => write(1, text);
export const printError = (text: string): void => write(2, text);
