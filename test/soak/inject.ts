// Puts the faults of the schedule into a service of containers, and ends them.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../support/nspawn/container.ts';
import type { Guest } from '../support/vm/guest.ts';
import { plugIn, unplug } from '../support/vm/lan.ts';
import type { GuestService } from '../support/vm/service.ts';
import type { Context } from '../support/zone/context.ts';
import { until } from '../support/zone/process.ts';
import { stepClock } from './clock.ts';
import type { FaultKind, Planned } from './schedule.ts';

/** Ends a fault. */
type Heal = () => Promise<unknown> | unknown;

const nothing: Heal = () => undefined;

/** The processes of SuperExec, without the shell that looks; one that has ended and is not collected yet has no command line. */
export const SUPEREXEC =
  "grep -al 'superexec-laun[c]h\\|flower-supere[x]ec' /proc/[0-9]*/cmdline 2>/dev/null";

export class Injector {
  readonly #service: GuestService;
  readonly #supernodes: number;
  readonly #cuts = new Set<readonly [string, string]>();
  readonly #power: (guest: Guest, on: boolean) => void;
  #changes = 0;

  constructor(service: GuestService, supernodes: number, power: (guest: Guest, on: boolean) => void) {
    this.#service = service;
    this.#supernodes = supernodes;
    this.#power = power;
    nft('add table bridge soak');
    nft('add chain bridge soak forward { type filter hook forward priority 0; }');
  }

  /** The machine that a target names now; undefined for `all`. */
  guestOf(target: string): Container | undefined {
    if (target === 'all') return undefined;
    if (target === 'superlink') return this.#service.superlink as Container;
    const nodes = this.#service.supernodes;
    return nodes[Number(target.split(' ')[1]) % nodes.length] as Container;
  }

  /** Begins a fault. @returns what ends it */
  async begin({ kind, target, choice }: Planned): Promise<Heal> {
    const guest = this.guestOf(target);
    return guest === undefined ? this.#everywhere(kind, choice) : this.#on(guest, kind, choice);
  }

  async #on(guest: Container, kind: FaultKind, choice: string | undefined): Promise<Heal> {
    const flower = `flower-${guest.spec.role}.service`;
    const process = (unit: string): Promise<string> => guest.sh(`systemctl show -P MainPID ${unit}`);
    const signal = async (unit: string, name: string): Promise<string> => {
      const pid = await process(unit);
      if (pid === '0') throw new Error(`${unit} has no process`);
      await guest.sh(`kill -${name} ${pid}`);
      return pid;
    };
    const pause = async (unit: string): Promise<Heal> => {
      const pid = await signal(unit, 'STOP');
      return () => guest.exec(`kill -CONT ${pid}`);
    };
    switch (kind) {
      case 'kill Flower':
        await signal(flower, 'KILL');
        return nothing;
      case 'stop Flower':
        await guest.sh(`systemctl stop ${flower}`);
        return nothing;
      case 'hang Flower':
      case 'pause Flower':
        return pause(flower);
      case 'kill the agent':
        await signal('flower-context.service', 'KILL');
        return nothing;
      case 'stop the agent':
        await guest.sh('systemctl stop flower-context.service');
        return () => guest.sh('systemctl start --no-block flower-context.service');
      case 'hang the agent':
        return pause('flower-context.service');
      case 'kill SuperExec':
        await guest.sh(
          `for file in $(${SUPEREXEC}); do file=\${file#/proc/}; kill -KILL "\${file%/*}"; done`,
        );
        return nothing;
      case 'cut the path to the SuperLink': {
        const cut = [ipOf(guest), ipOf(this.#service.superlink)] as const;
        this.#cuts.add(cut);
        this.#filter();
        return () => {
          this.#cuts.delete(cut);
          this.#filter();
        };
      }
      case 'unplug the VM':
        unplug(guest.network.link);
        return () => plugIn(guest.network.link);
      case 'change the CONTEXT':
        await guest.recontextualize(this.#changeOf(guest, choice!));
        return nothing;
      case 'invalid CONTEXT': {
        const [name, value] = choice!.split('=') as [string, string];
        await guest.recontextualize({ [name]: value });
        return () => guest.recontextualize({ [name]: '' });
      }
      case 'step the clock':
        await stepClock(guest, Number(choice));
        return () => stepClock(guest, 0);
      case 'reboot the VM':
      case 'cut the power':
        this.#power(guest, false);
        await (kind === 'cut the power' ? guest.powerCut() : guest.shutdown());
        return async () => {
          await guest.powerOn();
          this.#power(guest, true);
        };
      default:
        throw new Error(`${kind} is not a fault of one VM`);
    }
  }

  async #everywhere(kind: FaultKind, choice: string | undefined): Promise<Heal> {
    const { zone } = this.#service;
    switch (kind) {
      case 'OneGate is down':
        await zone.down();
        return () => zone.up();
      case 'OneGate hangs': {
        const fault = zone.faults.add({ kind: 'hang' });
        return () => fault.clear();
      }
      case 'OneGate is slow': {
        const fault = zone.faults.add({ kind: 'slow', ms: Number(choice) * 1_000 });
        return () => fault.clear();
      }
      case 'OneGate answers errors': {
        const fault = zone.faults.add({ kind: 'status', status: Number(choice) });
        return () => fault.clear();
      }
      case 'scale up and down':
        await this.#scale(this.#supernodes + 1);
        return () => this.#scale(this.#supernodes);
      default:
        throw new Error(`${kind} is not a fault of the service`);
    }
  }

  /** OneFlow scales a service only while it is RUNNING. */
  async #scale(supernodes: number): Promise<void> {
    const [service] = this.#service.zone.services;
    await until('OneFlow to have the service RUNNING', () => service!.state === 'RUNNING', {
      timeoutMs: 120_000,
      everyMs: 500,
    });
    const refused = service!.scale('supernode', supernodes);
    if (refused !== undefined) throw new Error(`OneFlow refused to scale: ${refused}`);
  }

  /** Another value each time. */
  #changeOf({ spec: { role } }: Guest, choice: string): Context {
    const number = ++this.#changes;
    if (choice === 'node config' && role === 'supernode') return { FL_NODE_CONFIG: `site="lab ${number}"` };
    if (choice === 'certificate' && role === 'superlink')
      return { FL_CERT_EXTRA_SAN: `DNS:superlink-${number}.example` };
    if (choice === 'checkpoints' && role === 'superlink')
      return { FL_CHECKPOINT_ENABLED: number % 2 === 0 ? 'YES' : 'NO' };
    return role === 'superlink'
      ? { FL_NUM_ROUNDS: String(2 + (number % 2)) }
      : { FL_LOG_FORMAT: number % 2 === 0 ? 'text' : 'json' };
  }

  /** Between two machines of the bridge nothing passes, both ways, without an error for either. */
  #filter(): void {
    nft('flush chain bridge soak forward');
    for (const [one, other] of this.#cuts)
      for (const [from, to] of [
        [one, other],
        [other, one],
      ])
        nft(`add rule bridge soak forward ip saddr ${from} ip daddr ${to} drop`);
  }
}

export const ipOf = (guest: Guest): string => guest.spec.context.ETH0_IP!;

const nft = (command: string): void => {
  execFileSync('nft', command.split(' '), { stdio: ['ignore', 'ignore', 'inherit'] });
};

export const seconds = (count: number): Promise<void> => sleep(count * 1_000);
