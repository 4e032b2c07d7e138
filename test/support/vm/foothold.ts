// The app `attacker` on a booted image: what it can do with the rights of a ServerApp or of a ClientApp.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../zone/vm.ts';
import type { Guest } from './guest.ts';

const SOURCE = join(REPOSITORY, 'test/support/attacker');
const FILES = ['server_app', 'client_app', 'foothold', 'attacks', '__init__'].map(
  (name) => `attacker/${name}.py`,
);

/** Sends the app as an operator sends any app. Returns at once: the run goes on until each part of it is asked to end. */
export async function submitAttacker(superlink: Guest): Promise<void> {
  await superlink.sh('mkdir -p /root/attacker/attacker');
  for (const name of ['pyproject.toml', ...FILES])
    await superlink.sh(`cat >/root/attacker/${name}`, { stdin: readFileSync(join(SOURCE, name)) });
  await superlink.sh('systemd-run -q --collect flower-context submit --declared-only /root/attacker');
}

/** What came back from an attack: its result, or the error that the kernel gave it. */
export interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** One process of the app. */
export class Foothold {
  readonly pid: number;
  readonly #guest: Guest;
  #number = 0;

  private constructor(guest: Guest, pid: number) {
    this.#guest = guest;
    this.pid = pid;
  }

  /** Waits until the app runs on this machine; `seconds` are those of a container. */
  static async on(guest: Guest, seconds = 60): Promise<Foothold> {
    const look =
      'for p in /proc/[0-9]*; do [ -d "$p/root/tmp/foothold/${p##*/}" ] && echo "${p##*/}"; done; true';
    const pid = await guest.until(
      'the app to run',
      async () => {
        const found = (await guest.sh(look)).split('\n').filter(Boolean).map(Number);
        return found.at(-1);
      },
      seconds,
    );
    return new Foothold(guest, pid);
  }

  async isAlive(): Promise<boolean> {
    return (await this.#guest.exec(`[ -d /proc/${this.pid}/root/tmp/foothold/${this.pid} ]`)).code === 0;
  }

  /** Asks for an attack that may end this process, and does not wait for its result. @returns the file of its result */
  async start(name: string, ...args: readonly unknown[]): Promise<string> {
    const folder = `/proc/${this.pid}/root/tmp/foothold/${this.pid}`;
    const number = this.#number++;
    await this.#guest.sh(`cat >${folder}/new && mv ${folder}/new ${folder}/${number}.request`, {
      stdin: JSON.stringify([name, ...args]),
    });
    return `${folder}/${number}.answer`;
  }

  /** Runs a function of test/support/attacker/attacker/attacks.py in the process of the app. */
  async try(name: string, ...args: readonly unknown[]): Promise<Answer> {
    const file = await this.start(name, ...args);
    return this.#answer(name, async () => this.#read(file));
  }

  /** Like {@link try}; undefined when the kernel ended the process for it. */
  async tryUntilEnded(name: string, ...args: readonly unknown[]): Promise<Answer | undefined> {
    const file = await this.start(name, ...args);
    const answer = await this.#answer(name, async () => {
      const text = await this.#read(file);
      return text || (await this.isAlive()) ? text : '{"result":"ended"}';
    });
    return answer.result === 'ended' ? undefined : answer;
  }

  async #read(file: string): Promise<string | false> {
    const { code, stdout } = await this.#guest.exec(`cat ${file}`);
    return code === 0 && stdout;
  }

  async #answer(name: string, read: () => Promise<string | false>): Promise<Answer> {
    const text = await this.#guest.until(`the app to have tried ${name}`, read);
    const answer = JSON.parse(text) as Answer & { readonly fault?: string };
    if (answer.fault !== undefined) throw new Error(`the attack ${name} is wrong: ${answer.fault}`);
    return answer;
  }

  /** Like {@link try}, for what must work. @returns its result */
  async get<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    const { result, error } = await this.try(name, ...args);
    if (error !== undefined) throw new Error(`${name}: ${error}`);
    return result as T;
  }

  /** Ends this process, if it lives. */
  async end(): Promise<void> {
    await this.start('end').catch(() => undefined);
    await this.#guest.until('the app to end', async () => !(await this.isAlive()));
  }
}

/** [kind, user, group, mode, content] of each path. */
export type Snapshot = Readonly<Record<string, readonly [string, number, number, string, string]>>;

const SNAPSHOT = readFileSync(join(SOURCE, 'snapshot.py'), 'utf8');

/** Every file of the system; what is below `skipped` is left out. */
export async function snapshotOf(guest: Guest, skipped: readonly string[]): Promise<Snapshot> {
  return JSON.parse(await guest.sh(`python3 - ${skipped.join(' ')}`, { stdin: SNAPSHOT })) as Snapshot;
}

/**
 * The differences of two snapshots, for a person. Below the directories of `living` files come, go and change their content;
 * owner and mode of one that stays do not.
 */
export function differences(before: Snapshot, after: Snapshot, living: readonly string[]): string[] {
  const found: string[] = [];
  for (const path of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [one, other] = [before[path], after[path]];
    const lives = living.some((directory) => path === directory || path.startsWith(`${directory}/`));
    if (one === undefined || other === undefined) {
      if (!lives) found.push(`${path}: ${one === undefined ? `new, ${other!.join(' ')}` : 'gone'}`);
      continue;
    }
    const access = one.slice(0, 4).join(' ') !== other.slice(0, 4).join(' ');
    if (access || (!lives && one[4] !== other[4]))
      found.push(`${path}: ${one.join(' ')} -> ${other.join(' ')}`);
  }
  return found;
}
