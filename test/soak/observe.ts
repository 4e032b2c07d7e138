// Looks at a service of containers all the time, and writes down what it saw: a timeline for the judge.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { patience } from '../support/load.ts';
import type { Container } from '../support/nspawn/container.ts';
import type { Guest } from '../support/vm/guest.ts';
import type { GuestService } from '../support/vm/service.ts';
import { REPOSITORY } from '../support/zone/vm.ts';
import { ipOf, SUPEREXEC } from './inject.ts';
import type { Fault, Run, Sample, Source, Timeline } from './judge.ts';

const PYTHON = join(REPOSITORY, `.cache/envs/${BAKED_FLOWER}-none/bin/python`);
const FLEET_PORT = 9092;
const CONTROL = '127.0.0.1:9093';
/** Between two questions to a VM: each starts Node.js twice. */
const ASK_SECONDS = 3;

/** What a VM says of itself. One call, so that a busy machine is not asked more often than it answers. */
const ASK = `s=$(flower-context status 2>&1); echo "$?"; printf '%s\\n' "$s" | grep -m 1 -E '^(superlink|supernode|no role yet): ' || printf '%s\\n' "$s" | head -n 1
r=$(flower-context ready --timeout 0 2>&1); echo "$?"; printf '%s\\n' "$r" | head -n 1
${SUPEREXEC} | wc -l
journalctl -b -u flower-supernode -o cat -r -n 1 -g 'SuperNode ID: ' --no-pager 2>/dev/null | head -n 1`;

/** More than that is not accepted as an excuse: most of what takes time are pauses, which a busy machine does not stretch. */
const SLOWEST = 4;

/** How many times slower than a quiet machine this one is. */
export const slowness = (): number => Math.min(SLOWEST, patience(1_000) / 1_000);

export interface Problem {
  readonly vm: string;
  readonly code: string;
  readonly found: string;
}

export class Observer {
  readonly #service: GuestService;
  readonly #began = performance.now();
  readonly #dir: string;
  readonly samples: Sample[] = [];
  readonly published: { at: number; vm: string; name: 'partition' | 'ca'; value: string | null }[] = [];
  readonly faults: Fault[] = [];
  readonly runs: Run[] = [];
  readonly #load: { at: number; factor: number }[] = [];
  readonly #last = new Map<string, string>();
  /** Guests that a fault has switched off. */
  readonly #off = new Set<string>();
  /** All that there have been. */
  readonly guests = new Set<Guest>();
  readonly #nodeIds = new Map<string, string>();
  readonly #loops: Promise<void>[] = [];
  #nodes: Readonly<Record<string, string>> | null = null;
  #nodesSaid = 'not asked yet';
  #fleet: boolean | null = null;
  #fleetSaid = 'not asked yet';
  #probe: ChildProcess | undefined;
  #stopped = false;

  constructor(service: GuestService, dir: string) {
    this.#service = service;
    this.#dir = dir;
  }

  /** Seconds since the observation began. */
  now(): number {
    return (performance.now() - this.#began) / 1_000;
  }

  /** Begins; the SuperLink has published its CA. */
  start(): void {
    this.#startProbe();
    this.#loops.push(this.#everySecond());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#probe?.stdin?.end();
    await Promise.all(this.#loops);
  }

  switched(guest: Guest, on: boolean): void {
    if (on) this.#off.delete(guest.spec.name);
    else this.#off.add(guest.spec.name);
    this.#add(guest.spec.name, 'power', on);
  }

  timeline(problems: readonly Problem[]): Timeline {
    return {
      superlink: this.#service.superlink.spec.name,
      end: this.now(),
      samples: this.samples,
      published: this.published,
      faults: this.faults,
      runs: this.runs,
      load: this.#load,
      problems,
    };
  }

  /** Whether everything says yes now. */
  allWell(): boolean {
    return this.#service.all.every(({ spec: { name } }) =>
      (['probe', 'onegate', 'status', 'ready'] as const).every((source) =>
        this.#last.get(`${name} ${source}`)?.startsWith('true'),
      ),
    );
  }

  #add(vm: string, source: Source, value: boolean | null, said?: string): void {
    // What has not changed is left out. The probe's text has a time in it, so it is not compared.
    const key = `${vm} ${source}`;
    const text = source === 'probe' ? String(value) : `${value} ${said}`;
    if (this.#last.get(key) === text) return;
    this.#last.set(key, text);
    this.samples.push({ at: this.now(), vm, source, value, ...(said !== undefined && { said }) });
  }

  async #everySecond(): Promise<void> {
    while (!this.#stopped) {
      const factor = slowness();
      if (this.#load.at(-1)?.factor !== factor) this.#load.push({ at: this.now(), factor });
      this.#lookAtGuests();
      await sleep(1_000);
    }
  }

  #lookAtGuests(): void {
    const { all, superlink } = this.#service;
    for (const guest of this.guests)
      if (!all.includes(guest)) this.#add(guest.spec.name, 'power', false, 'removed');
    for (const guest of all) {
      const { name } = guest.spec;
      if (!this.#off.has(name)) this.#add(name, 'power', true);
      if (!this.guests.has(guest)) {
        this.guests.add(guest);
        this.#loops.push(this.#ask(guest));
      }
      this.#lookAtOneGate(guest);
      if (guest === superlink) this.#add(name, 'probe', this.#fleet, this.#fleetSaid);
      else this.#judgeNode(name);
    }
  }

  /** A SuperNode serves when the SuperLink answers and its own list has the node as online. */
  #judgeNode(name: string): void {
    const id = this.#nodeIds.get(name);
    const status = id === undefined ? undefined : this.#nodes?.[id];
    if (this.#fleet === false) this.#add(name, 'probe', false, `the SuperLink: ${this.#fleetSaid}`);
    else if (this.#nodes === null) this.#add(name, 'probe', null, this.#nodesSaid);
    else this.#add(name, 'probe', status === 'online', `node ${id ?? '-'} is ${status ?? 'not listed'}`);
  }

  #lookAtOneGate(guest: Guest): void {
    const { name, role } = guest.spec;
    const { userTemplate } = this.#service.oneVm(guest);
    const flag = role === 'superlink' ? 'FL_READY' : 'FL_NODE_READY';
    const ready = userTemplate.get('READY');
    const own = userTemplate.get(flag);
    const said = `READY=${ready ?? '-'} ${flag}=${own ?? '-'} FL_ERROR=${userTemplate.get('FL_ERROR') ?? '-'}`;
    this.#add(name, 'onegate', ready === 'YES' && own === 'YES', said);
    this.#publish(name, 'partition', userTemplate.get('FL_PARTITION_ID') ?? null);
    const ca = userTemplate.get('FL_CA_CERT');
    if (ca) this.#publish(name, 'ca', createHash('sha256').update(ca).digest('hex').slice(0, 16));
  }

  #publish(vm: string, name: 'partition' | 'ca', value: string | null): void {
    const key = `${vm} ${name}`;
    if (this.#last.get(key) === String(value)) return;
    this.#last.set(key, String(value));
    this.published.push({ at: this.now(), vm, name, value });
  }

  /** Asks one VM for as long as it exists. */
  async #ask(guest: Guest): Promise<void> {
    const { name } = guest.spec;
    while (!this.#stopped && this.#service.all.includes(guest)) {
      if (!this.#off.has(name)) {
        const { code, stdout } = await guest
          .exec(ASK, { timeoutMs: 30_000 })
          .catch(() => ({ code: 1, stdout: '' }));
        if (!this.#off.has(name)) this.#heard(name, code, stdout);
      }
      await sleep(ASK_SECONDS * 1_000);
    }
  }

  #heard(name: string, code: number, stdout: string): void {
    const [status, headline = '', ready, reason = '', superexec, id = ''] = stdout.split('\n');
    if (code !== 0 || superexec === undefined || !/^\d+$/.test(status ?? '')) {
      for (const source of ['status', 'exit', 'ready', 'superexec'] as const)
        this.#add(name, source, null, 'no answer');
      return;
    }
    const serves = /, serving\b/.test(headline);
    this.#add(name, 'status', serves, `exit ${status}, ${headline}`);
    this.#add(name, 'exit', status === '0', `exit ${status}`);
    this.#add(name, 'ready', ready === '0', `exit ${ready}, ${reason}`);
    this.#add(name, 'superexec', Number(superexec) > 0, Number(superexec) > 0 ? 'runs' : 'no process');
    const found = /SuperNode ID: (\d+)/.exec(id)?.[1];
    if (found === undefined) this.#nodeIds.delete(name);
    else this.#nodeIds.set(name, found);
  }

  /** The CA is that of the begin: another one is refused by the probe for ever. */
  #startProbe(): void {
    const superlink = this.#service.superlink as Container;
    const ca = this.#service.oneVm(superlink).userTemplate.get('FL_CA_CERT');
    if (ca === undefined) throw new Error('the SuperLink has not published FL_CA_CERT');
    const file = join(this.#dir, 'ca.pem');
    writeFileSync(file, Buffer.from(ca, 'base64'));
    if (!readFileSync(file, 'utf8').includes('BEGIN CERTIFICATE'))
      throw new Error('FL_CA_CERT is not a PEM in Base64');
    const program = join(REPOSITORY, 'test/soak/probe.py');
    const args = [program, `${ipOf(superlink)}:${FLEET_PORT}`, CONTROL, file, superlink.network.path];
    // Not through a proxy of this machine, and without the repository on Python's path.
    const child = spawn(PYTHON, ['-I', ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH, GRPC_VERBOSITY: 'NONE' },
    });
    this.#probe = child;
    child.once('exit', (status) => {
      if (!this.#stopped) throw new Error(`the probe ended with ${status}`);
    });
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const answer = JSON.parse(line) as {
        fleet?: boolean;
        nodes?: Readonly<Record<string, string>> | null;
        said: string;
      };
      if (answer.fleet !== undefined) [this.#fleet, this.#fleetSaid] = [answer.fleet, answer.said];
      if (answer.nodes !== undefined) [this.#nodes, this.#nodesSaid] = [answer.nodes, answer.said];
    });
  }
}

/** The open problems of every VM that are more than a warning. */
export async function problemsOf(guests: readonly Guest[]): Promise<Problem[]> {
  const all = await Promise.all(
    guests.map(async (guest) => {
      const { stdout } = await guest.exec('flower-context status --json');
      try {
        const { problems } = JSON.parse(stdout) as {
          problems: readonly { code: string; kind: string; found: string }[];
        };
        return problems
          .filter(({ kind }) => kind !== 'warning')
          .map(({ code, found }) => ({ vm: guest.spec.name, code, found }));
      } catch {
        return [{ vm: guest.spec.name, code: 'no_status', found: stdout.slice(0, 100) }];
      }
    }),
  );
  return all.flat();
}
