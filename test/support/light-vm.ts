// A VM as light as can be: the real boot, with the real steps, the real OneGate client and the real watch, in this
// process and on a folder of its own - a thousand of them fit where a dozen real agents do. What is not real: Flower
// and its unit (the two steps that would talk to systemd are replaced, and leave the link file that the launcher would),
// and, when `send` or a clock is handed in, the wire and time.
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bootAndWatch } from '../../src/agent/boot-and-watch.ts';
import { keepWatch } from '../../src/agent/watch.ts';
import { type BootOutcome, boot } from '../../src/boot/boot.ts';
import { Checkpoint } from '../../src/boot/checkpoint.ts';
import type { Knowledge } from '../../src/boot/knowledge.ts';
import { sequenceFor } from '../../src/boot/sequence.ts';
import type { Step, StepId, StepTools } from '../../src/boot/step.ts';
import { closeForRestart, writePlan } from '../../src/boot/steps/flower.ts';
import { type Clock, realClock } from '../../src/core/clock.ts';
import { EXIT } from '../../src/core/exit.ts';
import { type FlowerState, readFlowerState } from '../../src/flower/state-file.ts';
import { request } from '../../src/host/http.ts';
import type { Machine } from '../../src/host/machine.ts';
import { pathsUnder } from '../../src/host/paths.ts';
import { connectOneGate } from '../../src/onegate/client.ts';
import { openJournal } from '../../src/report/journal.ts';
import { Report } from '../../src/report/report.ts';
import { folderHost } from './agent/host.ts';
import { type Context, renderContextSh, renderOneEnv } from './zone/context.ts';

/** flower-context.service as systemd sees it, with one process of the agent. */
interface Unit {
  state: 'activating' | 'active' | 'inactive';
  reloadQueued: boolean;
  /** Aborted when the unit must start although systemd would not start it now. */
  readonly startNow: AbortController;
}

const newUnit = (): Unit => ({
  state: 'activating',
  reloadQueued: false,
  startNow: new AbortController(),
});

export interface LightVmSpec {
  readonly dir: string;
  readonly role: 'superlink' | 'supernode';
  readonly context: Context;
  readonly token: string;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** How requests to OneGate are sent; over sockets when left out. */
  readonly send?: typeof request;
  /** How long Flower takes from its start until it serves (was accepted), in ms of the clock. */
  readonly flowerMs?: () => number;
  /** Steps that are done otherwise, besides those of Flower. */
  readonly instead?: Partial<Record<StepId, Step['run']>>;
  /** Called before each step. */
  readonly before?: (id: StepId, known: Knowledge, tools: StepTools) => Promise<void> | void;
  readonly journal?: (line: string) => void;
}

export class LightVm {
  readonly spec: LightVmSpec;
  readonly machine: Machine;
  context: Context;
  /** Flower serves (was accepted), as its own process would know. */
  serves = false;
  /** It has, since it was last started with another plan or the VM was switched on. */
  served = false;
  report: Report;
  #checkpoint: Checkpoint;
  #bootId = '';
  #unit = newUnit();

  constructor(spec: LightVmSpec) {
    this.spec = spec;
    const { dir, role, clock = realClock, random = Math.random } = spec;
    // Many agents in one process have better to do than to free memory each.
    const host = {
      ...folderHost({ loopback: '127.0.0.1' }, () => this.#bootId),
      collectGarbage: (): void => {},
    };
    this.machine = { paths: pathsUnder(dir), clock, random, host };
    this.context = spec.context;
    const [uid, gid] = [process.getuid!(), process.getgid!()];
    this.#write('etc/passwd', `flower:x:${uid}:${gid}:Flower:/var/lib/flower:/usr/sbin/nologin\n`);
    this.#write(
      'etc/flower-context/appliance.json',
      JSON.stringify({ role, flower: { version: '1.39.0', framework: 'none' }, user: 'flower' }),
    );
    this.#write('opt/flower/envs/1.39.0-none/bin/python', '');
    chmodSync(join(dir, 'opt/flower/envs/1.39.0-none/bin/python'), 0o755);
    this.powerOn();
    [this.#checkpoint, this.report] = this.#remember();
  }

  /** An empty /run, a new boot of the kernel, the CONTEXT of one-context. What is on the disk stays. */
  powerOn(): void {
    this.serves = false;
    this.served = false;
    rmSync(join(this.spec.dir, 'run'), { recursive: true, force: true });
    this.#bootId = randomUUID();
    for (const path of ['run/flower-context', 'run/flower'])
      mkdirSync(join(this.spec.dir, path), { recursive: true });
    this.writeContext(this.context);
    [this.#checkpoint, this.report] = this.#remember();
  }

  /** Flower's process ends; the link file keeps its last words. */
  loseFlower(): void {
    if (!this.serves) return;
    this.serves = false;
    this.#link('lost', readPlanHash(this.machine.paths.flowerLink));
  }

  /** systemd has started Flower again, with the plan it had. */
  flowerBack(): void {
    const link = readFlowerState(this.machine.paths.flowerLink);
    if (link?.phase !== 'lost') return;
    this.serves = true;
    this.#link(this.spec.role === 'superlink' ? 'serving' : 'accepted', link.plan);
  }

  writeContext(context: Context): void {
    this.context = context;
    this.#write('var/run/one-context/context.sh.network', renderContextSh(context));
    this.#write('var/run/one-context/one_env', renderOneEnv(context, this.spec.token));
  }

  /** One boot, as `flower-context boot` does it. */
  boot(signal: AbortSignal): Promise<BootOutcome> {
    return boot({
      machine: this.machine,
      report: this.report,
      checkpoint: this.#checkpoint,
      signal,
      sequence: (role) => sequenceFor(role).map((step) => this.#replaced(step)),
    });
  }

  /** What one-context sends once its ready script has succeeded. */
  async reportReady(signal: AbortSignal): Promise<void> {
    const { send = request, token } = this.spec;
    const { ONEGATE_ENDPOINT = '', VMID = '' } = this.context;
    await send({
      method: 'PUT',
      url: new URL('/vm', ONEGATE_ENDPOINT),
      headers: {
        'X-ONEGATE-TOKEN': token,
        'X-ONEGATE-VMID': VMID,
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: 'data=READY%3DYES&type=1',
      timeoutMs: 60_000,
      maxBytes: 1_000,
      signal,
    });
  }

  /**
   * What systemd does with flower-context.service until `signal` is aborted: starts the agent, starts it again after a
   * failure, later each time, and leaves it alone after a wrong CONTEXT until `reloadOrRestart`.
   */
  async run(signal: AbortSignal, onBoot: (outcome: BootOutcome) => void = () => {}): Promise<void> {
    const { clock, random } = this.machine;
    try {
      for (let restarts = 0; ; ) {
        // Each process has its own: one that was killed may end when the next has begun.
        const unit = newUnit();
        this.#unit = unit;
        const status = await this.#agent(unit, signal, onBoot);
        if (signal.aborted || status === EXIT.good) return;
        const asked = unit.startNow.signal;
        const over = AbortSignal.any([signal, asked]);
        if (status === EXIT.badContext) {
          // RestartPreventExitStatus.
          await aborted(over);
        } else {
          // RestartSec, RestartSteps and RestartMaxDelaySec. systemd forgets its count of restarts only when the unit is
          // started manually, not when the agent has served meanwhile.
          const pauseMs = 5_000 * 60 ** (Math.min(restarts++, 6) / 6) + random();
          await clock.sleep(pauseMs, over).catch(() => undefined);
        }
        if (signal.aborted) return;
        if (asked.aborted) restarts = 0;
        [this.#checkpoint, this.report] = this.#remember();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** `systemctl reload-or-restart flower-context`, as the hook of one-context calls it when the CONTEXT has changed. */
  reloadOrRestart(): void {
    const unit = this.#unit;
    if (unit.state === 'active') {
      // Agents that share this process all look, which changes nothing for the others.
      process.emit('SIGHUP', 'SIGHUP');
    } else if (unit.state === 'activating') unit.reloadQueued = true;
    else unit.startNow.abort();
  }

  /** One process of the agent: the loop of `flower-context run`; gives its exit status. */
  async #agent(unit: Unit, signal: AbortSignal, onBoot: (outcome: BootOutcome) => void): Promise<number> {
    const { machine, report } = this;
    const watch = keepWatch({ machine, report, signal });
    try {
      return await bootAndWatch({
        report,
        signal,
        watch,
        boot: async (interrupt) => {
          const outcome = await this.boot(AbortSignal.any([signal, interrupt]));
          onBoot(outcome);
          return outcome;
        },
        tellReady: () => {
          unit.state = 'active';
          // systemd runs a queued reload once the unit has started.
          if (unit.reloadQueued) process.emit('SIGHUP', 'SIGHUP');
        },
        endWaitingFlower: async () => {},
      });
    } finally {
      unit.state = 'inactive';
      watch.end();
    }
  }

  #remember(): [Checkpoint, Report] {
    const { paths, clock } = this.machine;
    const checkpoint = new Checkpoint(paths.checkpoint, clock.now());
    const journal = openJournal(this.spec.journal ?? (() => {}), false);
    return [checkpoint, new Report({ path: paths.status, journal, clock, resumed: !checkpoint.empty })];
  }

  #replaced(step: Step): Step {
    const { instead, before, send } = this.spec;
    const run = instead?.[step.id] ?? this.#own(step);
    return {
      ...step,
      run: async (known, tools) => {
        await before?.(step.id, known, tools);
        const result = await run(known, tools);
        if (step.id === 'read_context' && send !== undefined) known.set('oneGate', this.#oneGate(send));
        return result;
      },
    };
  }

  #own(step: Step): Step['run'] {
    if (step.id === 'start_flower') return this.#startFlower;
    if (step.id === 'await_fleet_api' || step.id === 'await_registration') return this.#awaitFlower;
    return step.run;
  }

  #oneGate(send: typeof request) {
    const { clock, random } = this.machine;
    const { ONEGATE_ENDPOINT, VMID } = this.context;
    return connectOneGate({
      endpoint: ONEGATE_ENDPOINT!,
      token: this.spec.token,
      vmId: Number(VMID),
      clock,
      random,
      send,
    });
  }

  #startFlower: Step['run'] = async (known, tools) => {
    const plan = known.get('planHash');
    if (this.serves && readPlanHash(this.machine.paths.flowerLink) === plan) return { kept: true };
    await closeForRestart(known, tools);
    writePlan(known, this.machine.paths);
    this.serves = false;
    this.served = false;
    this.#link('starting', plan);
    return {};
  };

  #awaitFlower: Step['run'] = async (known, { machine, signal }) => {
    const good = known.get('config').role === 'superlink' ? 'serving' : 'accepted';
    if (!this.serves) {
      await machine.clock.sleep(this.spec.flowerMs?.() ?? 0, signal);
      this.serves = true;
      this.served = true;
      this.#link(good, known.get('planHash'));
    }
    known.set('link', { phase: good } as FlowerState);
    return {};
  };

  #link(phase: FlowerState['phase'], plan: string): void {
    const { paths, clock } = this.machine;
    const link: FlowerState = {
      version: 1,
      pid: process.pid,
      plan,
      phase,
      since: clock.now().toISOString(),
      node_id: phase === 'accepted' ? '1' : null,
      detail: `light VM: ${phase}`,
      grpc: { server: [], client: [] },
    };
    writeFileSync(paths.flowerLink, JSON.stringify(link));
  }

  #write(path: string, text: string): void {
    const file = join(this.spec.dir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const readPlanHash = (path: string): string => readFlowerState(path)?.plan ?? '0'.repeat(64);
