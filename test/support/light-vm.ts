// A VM as light as can be: the real boot, with the real steps, the real OneGate client and the real watch, in this
// process and on a folder of its own - a thousand of them fit where a dozen real agents do. What is not real: Flower
// and its unit (the two steps that would talk to systemd are replaced, and leave the link file that the launcher would),
// and, when `send` or a clock is handed in, the wire and time.

import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Supervisor } from '../../src/agent/supervisor.ts';
import { type Boot, type BootOutcome, boot } from '../../src/boot/boot.ts';
import { Checkpoint } from '../../src/boot/checkpoint.ts';
import { SEQUENCES } from '../../src/boot/sequence.ts';
import type {
  CommonOutputs,
  IdOf,
  Started,
  Step,
  StepResult,
  StepTools,
  SuperLinkOutputs,
  SuperNodeOutputs,
} from '../../src/boot/step.ts';
import { prepareRestart, started, writePlan } from '../../src/boot/steps/flower.ts';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { type Clock, realClock } from '../../src/core/clock.ts';
import { EXIT } from '../../src/core/exit.ts';
import { type FlowerState, formatFlowerState, parseFlowerState } from '../../src/flower/state-file.ts';
import { SUPEREXEC_UNIT } from '../../src/flower/superexec.ts';
import { GrpcStatus } from '../../src/host/grpc.ts';
import { request } from '../../src/host/http.ts';
import type { Machine } from '../../src/host/machine.ts';
import { pathsUnder } from '../../src/host/paths.ts';
import { processFacts } from '../../src/host/process.ts';
import { connectOneGate } from '../../src/onegate/client.ts';
import { openJournal } from '../../src/report/journal.ts';
import { Report } from '../../src/report/report.ts';
import { readStatus, type Status } from '../../src/report/status.ts';
import { folderHost } from './agent/host.ts';
import { UNTROUBLED } from './agent-states.ts';
import { type Context, renderContextSh, renderOneEnv } from './zone/context.ts';

type StartInputs = Parameters<typeof prepareRestart>[0];
type StepId = IdOf<SuperLinkOutputs> | IdOf<SuperNodeOutputs>;

/** flower-context.service as systemd sees it, with one process of the agent. */
interface Unit {
  state: 'activating' | 'active' | 'inactive';
  reloadQueued: boolean;
  /** SIGHUP. */
  reload: () => void;
  /** Aborted when the unit is to be started although it would not start by itself now. */
  readonly startNow: AbortController;
}

const newUnit = (): Unit => ({
  state: 'activating',
  reloadQueued: false,
  reload: () => {},
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
  /** A SuperNode does not check the SuperLink's certificate, and uses plaintext. */
  readonly plaintext?: boolean;
  /** The process of SuperExec. `systemctl show` has to name it, too. */
  readonly superexec?: () => number;
  /** Called before each step. */
  readonly before?: (id: StepId, tools: StepTools) => Promise<void> | void;
  readonly journal?: (line: string) => void;
}

export class LightVm {
  readonly spec: LightVmSpec;
  readonly machine: Machine;
  context: Context;
  /** Flower serves (was accepted), as its own process would report. */
  serves = false;
  /** It has, since it was last started with another plan or the VM was switched on. */
  served = false;
  report: Report;
  #checkpoint: Checkpoint;
  #bootId = '';
  #powerCut = new AbortController();
  #unit = newUnit();

  constructor(spec: LightVmSpec) {
    this.spec = spec;
    const { dir, role, clock = realClock, random = Math.random, superexec = () => 0 } = spec;
    // Many agents in one process have better to do than to free memory each.
    const host = {
      ...folderHost({ loopback: '127.0.0.1' }, () => this.#bootId),
      collectGarbage: (): void => {},
      callGrpc: async () =>
        this.serves
          ? { code: GrpcStatus.UNAUTHENTICATED, details: '', ms: 1 }
          : { code: GrpcStatus.UNAVAILABLE, details: 'ECONNREFUSED', ms: 1 },
      mainPids: async (units: readonly string[]) =>
        units.map((unit) => (unit === SUPEREXEC_UNIT ? superexec() : process.pid)),
    };
    this.machine = { paths: pathsUnder(dir), clock, random, host };
    this.context = spec.context;
    const [uid, gid] = [process.getuid!(), process.getgid!()];
    this.#write('etc/passwd', `flower:x:${uid}:${gid}:Flower:/var/lib/flower:/usr/sbin/nologin\n`);
    this.#write(
      'etc/flower-context/appliance.json',
      JSON.stringify({
        role,
        flower: { version: BAKED_FLOWER, framework: 'none' },
        user: 'flower',
        built: '2026-01-01T00:00:00Z',
      }),
    );
    this.#write(`opt/flower/envs/${BAKED_FLOWER}-none/.complete`, '');
    this.#write(`opt/flower/envs/${BAKED_FLOWER}-none/bin/python`, '');
    chmodSync(join(dir, `opt/flower/envs/${BAKED_FLOWER}-none/bin/python`), 0o755);
    this.powerOn();
    [this.#checkpoint, this.report] = this.#remember();
  }

  /** An empty /run, a new boot of the kernel, the CONTEXT of one-context. What is on the disk stays. */
  powerOn(): void {
    this.#powerCut.abort();
    this.#powerCut = new AbortController();
    this.serves = false;
    this.served = false;
    rmSync(join(this.spec.dir, 'run'), { recursive: true, force: true });
    this.#bootId = randomUUID();
    mkdirSync(join(this.spec.dir, 'run/flower-context'), { recursive: true });
    this.writeContext(this.context);
    [this.#checkpoint, this.report] = this.#remember();
  }

  /** Flower's process ends; the link file keeps its last words. */
  loseFlower(): void {
    if (!this.serves) return;
    this.serves = false;
    this.#link('lost', this.#state()?.plan ?? NO_PLAN);
  }

  /** systemd has started Flower again, with the plan it had. */
  flowerBack(): void {
    const link = this.#state();
    if (link?.phase !== 'lost') return;
    this.serves = true;
    this.#link(this.spec.role === 'superlink' ? 'serving' : 'accepted', link.plan ?? NO_PLAN);
  }

  writeContext(context: Context): void {
    this.context = context;
    this.#write('var/run/one-context/context.sh.network', renderContextSh(context));
    this.#write('var/run/one-context/one_env', renderOneEnv(context, this.spec.token));
  }

  /** One boot, as `flower-context boot` does it. */
  boot(
    signal: AbortSignal,
    run: Pick<Boot, 'contextRead' | 'notServing' | 'waitsWithoutEnd' | 'repeatLater' | 'supervision'> = {
      contextRead: () => {},
      notServing: () => {},
      waitsWithoutEnd: () => {},
      repeatLater: () => {},
      supervision: UNTROUBLED,
    },
  ): Promise<BootOutcome> {
    return boot({
      machine: this.machine,
      report: this.report,
      checkpoint: this.#checkpoint,
      signal,
      asked: true,
      superLinkMoved: () => {},
      ...run,
      sequences: {
        superlink: SEQUENCES.superlink.map((step) => this.#replaced<SuperLinkOutputs>(step)),
        supernode: SEQUENCES.supernode.map((step) => this.#replaced<SuperNodeOutputs>(step)),
      },
    });
  }

  get status(): Status | undefined {
    return readStatus(this.machine.paths.status);
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
        if (signal.aborted || status === EXIT.ok) return;
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
    if (unit.state === 'active') unit.reload();
    else if (unit.state === 'activating') unit.reloadQueued = true;
    else unit.startNow.abort();
  }

  /** One process of the agent: what `flower-context run` does; gives its exit status. */
  async #agent(unit: Unit, signal: AbortSignal, onBoot: (outcome: BootOutcome) => void): Promise<number> {
    const { machine, report } = this;
    try {
      return await new Supervisor({
        machine,
        report,
        signal,
        boot: async (run) => {
          const outcome = await this.boot(run.signal, run);
          onBoot(outcome);
          return outcome;
        },
        withdrawn: () => this.#checkpoint.forgetStep('publish'),
        notify: {
          ready: () => {
            unit.state = 'active';
            // systemd runs a queued reload once the unit has started.
            if (unit.reloadQueued) unit.reload();
          },
          stopping: () => {},
        },
        onReload: (requested) => {
          unit.reload = requested;
          return () => {
            unit.reload = () => {};
          };
        },
      }).run();
    } finally {
      unit.state = 'inactive';
    }
  }

  #remember(): [Checkpoint, Report] {
    const { paths, clock } = this.machine;
    const checkpoint = new Checkpoint(paths.checkpoint, clock.now());
    const journal = openJournal(this.spec.journal ?? (() => {}), false);
    const report = new Report({ path: paths.status, journal, clock, resumed: !checkpoint.empty });
    const power = this.#powerCut.signal;
    // After a power cut the process of before writes nothing any more, although its promises still end.
    const ofLivingProcess = new Proxy(report, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return power.aborted ? () => {} : member.bind(target);
      },
    });
    return [checkpoint, ofLivingProcess];
  }

  #replaced<O extends SuperLinkOutputs | SuperNodeOutputs>(step: Step<O>): Step<O> {
    const { before, send, plaintext } = this.spec;
    const id = step.id as StepId;
    const other: ((outputs: never, tools: StepTools) => Promise<StepResult<unknown>>) | undefined =
      id === 'start_flower'
        ? (outputs: StartInputs, tools) => this.#startFlower(outputs, tools)
        : id === 'await_fleet_api' || id === 'await_registration'
          ? (outputs: StartInputs, tools) => this.#awaitFlower(outputs, tools)
          : id === 'trust' && plaintext
            ? async () => ({ output: undefined })
            : undefined;
    return {
      ...step,
      run: async (outputs, tools) => {
        await before?.(id, tools);
        const result = (await (other === undefined
          ? step.run(outputs, tools)
          : other(outputs as never, tools))) as StepResult<O[IdOf<O>]>;
        if (id !== 'read_context' || send === undefined) return result;
        const output = { ...(result.output as CommonOutputs['read_context']), oneGate: this.#oneGate(send) };
        return { ...result, output: output as O[IdOf<O>] };
      },
    };
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

  async #startFlower(outputs: StartInputs, tools: StepTools): Promise<StepResult<Started>> {
    const plan = outputs.launch_plan;
    const output = started(plan, this.machine.paths);
    if (this.serves && this.#state()?.plan === plan.hash) return { output, kept: true };
    await prepareRestart(outputs, tools);
    writePlan(plan, this.machine.paths);
    this.serves = false;
    this.served = false;
    this.#link('starting', plan.hash);
    return { output };
  }

  async #awaitFlower(
    { launch_plan }: Pick<StartInputs, 'launch_plan'>,
    { machine, signal }: StepTools,
  ): Promise<StepResult<undefined>> {
    if (!this.serves) {
      await machine.clock.sleep(this.spec.flowerMs?.() ?? 0, signal);
      this.serves = true;
      this.served = true;
      this.#link(this.spec.role === 'superlink' ? 'serving' : 'accepted', launch_plan.hash);
    }
    return { output: undefined };
  }

  #state(): FlowerState | undefined {
    const { flowerLink } = this.machine.paths;
    return existsSync(flowerLink) ? parseFlowerState(readFileSync(flowerLink, 'utf8')) : undefined;
  }

  #link(phase: FlowerState['phase'], plan: string): void {
    const { paths, clock } = this.machine;
    const link: FlowerState = {
      version: 1,
      pid: process.pid,
      started: STARTED,
      plan,
      phase,
      since: clock.now().toISOString(),
      node_id: phase === 'accepted' ? '1' : null,
      detail: `light VM: ${phase}`,
      options: { server: [], client: [] },
    };
    writeFileSync(paths.flowerLink, formatFlowerState(link));
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

const NO_PLAN = '0'.repeat(64);
const STARTED = processFacts(process.pid)!.started;
