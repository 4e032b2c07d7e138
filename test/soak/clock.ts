// A clock of its own for each container, which all share the clock of the kernel. A file in the container says by how many
// milliseconds `Date` of Node.js and `datetime` of Flower's Python are moved: the agent's commands and Flower see the step.
// OpenSSL and systemd do not.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Container } from '../support/nspawn/container.ts';

const FOLDER = '/etc/soak';
const OFFSET = `${FOLDER}/clock`;
const WRAPPER = '/usr/bin/flower-context';
const ENVIRONMENTS = '/opt/flower/envs';

const NODE = `const { readFileSync } = require('node:fs');
const Kernel = Date;
let read = Number.NEGATIVE_INFINITY;
let offset = 0;
const moved = () => {
  if (performance.now() - read > 200) {
    read = performance.now();
    try { offset = Number(readFileSync('${OFFSET}', 'utf8')); } catch { offset = 0; }
  }
  return Kernel.now() + offset;
};
globalThis.Date = class Date extends Kernel {
  constructor(...given) { super(...(given.length === 0 ? [moved()] : given)); }
  static now() { return moved(); }
  static [Symbol.hasInstance](value) { return value instanceof Kernel; }
};
`;

const PYTHON = `import datetime, time

kernel = datetime.datetime
known = [float("-inf"), datetime.timedelta(0)]


def offset():
    if time.monotonic() - known[0] > 0.2:
        try:
            with open("${OFFSET}") as file:
                known[1] = datetime.timedelta(milliseconds=float(file.read()))
        except (OSError, ValueError):
            known[1] = datetime.timedelta(0)
        known[0] = time.monotonic()
    return known[1]


class Any(type):
    def __instancecheck__(cls, value):
        return isinstance(value, kernel)


class datetime_(kernel, metaclass=Any):
    @classmethod
    def now(cls, tz=None):
        return kernel.now(tz) + offset()

    @classmethod
    def utcnow(cls):
        return kernel.utcnow() + offset()


datetime_.__name__ = datetime_.__qualname__ = "datetime"
datetime.datetime = datetime_
`;

/** Before the container is switched on for the first time. */
export function giveClock(guest: Container): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(guest.path(path)), { recursive: true });
    writeFileSync(guest.path(path), text);
  };
  write(OFFSET, '0\n');
  write(`${FOLDER}/clock.cjs`, NODE);
  const wrapper = readFileSync(guest.path(WRAPPER), 'utf8');
  const line = 'unset NODE_OPTIONS\n';
  if (!wrapper.includes(line)) throw new Error(`${WRAPPER} has no line '${line.trim()}' to replace`);
  write(WRAPPER, wrapper.replace(line, `export NODE_OPTIONS=--require=${FOLDER}/clock.cjs\n`));
  for (const environment of readdirSync(guest.path(ENVIRONMENTS))) {
    const library = join(ENVIRONMENTS, environment, 'lib');
    for (const python of readdirSync(guest.path(library))) {
      const packages = join(library, python, 'site-packages');
      write(join(packages, 'soak_clock.py'), PYTHON);
      write(join(packages, 'soak_clock.pth'), 'import soak_clock\n');
    }
  }
}

/** Moves the clock of the container to so many seconds before or after that of the kernel. */
export async function stepClock(guest: Container, seconds: number): Promise<void> {
  await guest.sh(`echo ${seconds * 1_000} >${OFFSET}`);
}
