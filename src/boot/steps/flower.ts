import { followSuperLink } from '../../cluster/follow.ts';
import { CATALOGUE } from '../../core/catalogue.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import type { Role } from '../../core/role.ts';
import { readEndpoints, writeEndpoints } from '../../flower/endpoints.ts';
import { askGeneration, generationDiffers } from '../../flower/generation.ts';
import { GENERATIONS } from '../../flower/probe.ts';
import { profileFor } from '../../flower/profiles.ts';
import {
  type FlowerState,
  type LiveFlowerState,
  liveFlowerState,
  readFlowerState,
  unitOf,
  watchFlowerState,
  whyUnknown,
} from '../../flower/state-file.ts';
import { SUPEREXEC_UNIT } from '../../flower/superexec.ts';
import { superExecFiles, writeSuperExec } from '../../flower/superexec-files.ts';
import { exists, pointLink, unlessUnfit, writeIfChanged } from '../../host/files.ts';
import type { Machine } from '../../host/machine.ts';
import type { Paths } from '../../host/paths.ts';
import { lastLines, queueJob, stopAndWait, unitState } from '../../host/systemd.ts';
import { checkPeerTls } from '../check-peer.ts';
import { rememberDatabase } from '../database.ts';
import { putInForce, readInForce, takeRequest } from '../in-force.ts';
import { decide, goOn } from '../pending.ts';
import { takenPort } from '../ports.ts';
import { ifItAnswers, probeFleetApi } from '../probe-fleet.ts';
import { clockChecker, generationReporter } from '../registration-problems.ts';
import { retryLimitReached } from '../retry-limit.ts';
import {
  type CommonOutputs,
  type PreparedPlan,
  type Started,
  type StepResult,
  type StepTools,
  type SuperLinkOutputs,
  type SuperNodeOutputs,
  stepOf,
} from '../step.ts';
import { unpublish } from './reset-attributes.ts';

type StartInputs = Pick<CommonOutputs, 'read_context' | 'validate' | 'launch_plan'>;

/**
 * Starts Flower with the plan, or leaves it alone when it runs with exactly this plan. systemd has started its launcher
 * together with the agent: one that waits for a plan takes this one, and has already imported most of Flower.
 */
export const startFlower = stepOf<CommonOutputs>()({
  id: 'start_flower',
  title: 'start Flower',
  keeps: true,
  needs: ['read_context', 'validate', 'launch_plan'],
  async run(outputs, tools) {
    const result = await start(outputs, tools);
    tools.setPending(result.output.pending);
    return result;
  },
});

async function start(outputs: StartInputs, tools: StepTools): Promise<StepResult<Started>> {
  const { machine } = tools;
  const { paths } = machine;
  const requested = takeRequest(paths);
  const plan = outputs.launch_plan;
  const unit = unitOf(outputs.validate.role);
  // Listened on for a moment, so not while a Flower of an earlier plan may be about to.
  const hadPlan = (await readFlowerState(machine))?.plan;
  const ports = hadPlan === undefined || hadPlan === null ? takenPort(plan) : undefined;
  const { active, sub, pid } = await unitState(unit);
  const running = pid !== 0 && (active === 'active' || (active === 'activating' && sub !== 'auto-restart'));
  const state = running ? await firstState(unit, pid, tools) : undefined;
  if (state?.plan === plan.hash) {
    // Flower will start from this file again.
    writePlan(plan, paths);
    return { output: started(plan, paths), kept: true, note: `${unit} runs with this plan already` };
  }
  const waits = state?.plan === null;
  const { role } = outputs.validate;
  const decision =
    state === undefined || waits ? undefined : await decide(state, plan, role, requested, tools);
  if (decision?.waits !== undefined) return goOn(decision, plan, tools);
  const before = readInForce(paths)?.pending;
  // Of a Flower that runs only the new ports can be checked: it holds its own.
  const own = running && !waits ? unlessUnfit(() => readEndpoints(paths)) : undefined;
  const unknown = running && !waits && own === undefined;
  const problem = unknown ? undefined : await (own ? takenPort(plan, own) : (ports ?? takenPort(plan)));
  if (problem !== undefined) throw problem;
  await prepareRestart(outputs, tools);
  writePlan(plan, paths);
  const output = started(plan, paths);
  // The launcher says which plan it took, and then reads the plan once more: it cannot have missed this one.
  const taken = waits ? (await liveFlowerState(machine))?.plan : undefined;
  if (taken === null || taken === plan.hash)
    return {
      output,
      note: `Flower ${plan.flowerVersion}, pre-started process took the plan`,
    };
  // An app may listen where Flower is about to. systemd does not order the two (flower-superexec.service says why).
  if (exists(superExecFiles(paths).plan)) await stopAndWait(SUPEREXEC_UNIT);
  const refused = await queueJob('restart', unit);
  if (refused !== undefined) {
    throw new Problem('flower_start_failed', {
      doing: `asking systemd to start ${unit}`,
      found: refused,
      remedy: `read \`systemctl status ${unit}\``,
    });
  }
  const change = decision?.restart ? `, with ${decision.restart}` : '';
  const since = before ? `, which was pending since ${before.since}` : '';
  return { output, note: `Flower ${plan.flowerVersion}${change}${since}` };
}

/** @internal */
export const started = (plan: PreparedPlan, paths: Paths): Started => ({
  hash: plan.hash,
  flowerVersion: plan.flowerVersion,
  parts: putInForce(paths, plan),
  pending: undefined,
  degradedBy: plan.degradedBy,
});

/** A launcher reports a moment after its start. */
const FIRST_STATE_WITHIN_MS = 15_000;

/**
 * The state of a Flower whose process runs. Undefined when that is not known after a while: a launcher of an earlier
 * package, or somebody removed the file. Then Flower has to be restarted.
 */
async function firstState(
  unit: string,
  pid: number,
  { machine, signal, warn }: StepTools,
): Promise<LiveFlowerState | undefined> {
  const { clock } = machine;
  const until = clock.monotonicMs() + FIRST_STATE_WITHIN_MS;
  // Systemd has just named it. Later the unit may have been started again, and systemd is asked.
  let named: number | undefined = pid;
  for (;;) {
    const state = await liveFlowerState(machine, named);
    named = undefined;
    if (state !== undefined) return state;
    const why = await whyUnknown(machine);
    if (why === undefined) return undefined;
    if (clock.monotonicMs() >= until) {
      const doing = `reading the state of ${unit}`;
      warn(new Problem('flower_state_unknown', { doing, found: why }), 'Flower serves');
      return undefined;
    }
    await clock.sleep(READ_STATE_EVERY_MS, signal);
  }
}

/** Puts the plan where the launcher reads it; first the environment that it is for. @internal */
export function writePlan(
  { text, environment, access, endpoints, superexec, nodeConfig }: PreparedPlan,
  paths: Paths,
): void {
  pointLink(paths.environment, environment);
  if (superexec !== undefined) writeSuperExec(paths, superexec);
  writeEndpoints(paths, endpoints);
  if (nodeConfig !== undefined) writeIfChanged(paths.nodeConfig, nodeConfig, access);
  writeIfChanged(paths.plan, text, access);
}

/** Closes the ready gate before a restart; withdraws FL_READY if it was published. @internal */
export async function prepareRestart(outputs: StartInputs, tools: StepTools): Promise<void> {
  if ((await liveFlowerState(tools.machine))?.up) await unpublish(outputs, tools);
  else tools.notServing();
}

/**
 * A launcher that waits for a plan gets none: the boot failed before there was one. A Flower that serves stays, also one
 * whose state is not known: a launcher of an earlier package, or a damaged file.
 */
export async function stopPendingFlower(role: Role, machine: Machine): Promise<void> {
  const unit = unitOf(role);
  const state = await liveFlowerState(machine);
  const waits = state === undefined ? (await unitState(unit)).active !== 'active' : state.plan === null;
  if (waits) await queueJob('stop', unit);
}

/** A first start on a slow disk or under emulation takes ten times what it takes on a server. */
const SERVING_WITHIN_MS = 180_000;

/** Readiness of a SuperLink: its Fleet API answers gRPC at the published address, verified with the published CA. */
export const awaitFleetApi = stepOf<SuperLinkOutputs>()({
  id: 'await_fleet_api',
  title: 'wait for the Fleet API',
  provesServing: true,
  needs: ['validate', 'certificates', 'launch_plan', 'start_flower'],
  async run({ validate: config, certificates: trust, launch_plan: plan, start_flower: flower }, tools) {
    const { machine, wait, warn, signal: cancelled } = tools;
    const { endpoint } = plan.endpoints;
    const { transport } = profileFor(plan.flowerVersion);
    const address = formatHostPort(endpoint);
    const until = new Date(machine.clock.now().getTime() + SERVING_WITHIN_MS);
    const waitFor = (...why: string[]): void =>
      wait({
        for: `the Fleet API to answer at ${address}`,
        until,
        check: [...why, 'journalctl -u flower-superlink'].join('; '),
      });
    waitFor();
    const untilServing = async (signal: AbortSignal): Promise<FlowerState> => {
      // By a wrong clock no certificate is valid. What serves goes on; its launcher says whether it does.
      const waiting = { withinMs: SERVING_WITHIN_MS, onReason: waitFor, signal };
      const failure =
        trust?.verifiable === false
          ? undefined
          : await probeFleetApi(endpoint, trust?.caFile, transport, waiting);
      if (failure === undefined) return untilUp(flower, machine, signal);
      throw new Problem('health_check_timeout', {
        doing: `calling the Fleet API at ${address}`,
        found: failure,
        expected: `an answer of ${GENERATIONS[transport]}, verified with the CA that SuperNodes get`,
      });
    };
    await firstOf(cancelled, (signal) => [
      untilServing(signal),
      untilFlowerEnds('superlink', flower, machine, signal),
    ]);
    const database = { FL_DATABASE: flower.parts.database ?? config.FL_DATABASE };
    rememberDatabase(database, flower.flowerVersion, tools.checkpoint);
    const verified =
      trust?.verifiable === false
        ? ', not verified: its certificate is not valid by this clock'
        : ', verified with the CA';
    const how = trust === undefined ? ' in plaintext' : verified;
    const endpoint6 = plan.endpoints.role === 'superlink' ? plan.endpoints.endpoint6 : undefined;
    const output = endpoint6 && (await ifItAnswers(endpoint6, warn));
    return { output, note: `${address} answers${how}` };
  },
});

/** The result of the first that ends; the others are cancelled and awaited. */
async function firstOf<T>(
  cancelled: AbortSignal,
  begin: (signal: AbortSignal) => readonly Promise<T>[],
): Promise<T> {
  const over = new AbortController();
  const all = begin(AbortSignal.any([cancelled, over.signal]));
  try {
    return await Promise.race(all);
  } finally {
    over.abort();
    await Promise.allSettled(all);
  }
}

/** While a SuperNode waits, the path to the SuperLink is checked this often; first after a time in which most are accepted. */
const CHECK_PEER_EVERY_MS = 10_000;
const FIRST_CHECK_MS = 5_000;
const CALL_PEER_MS = 2_000;

/** Readiness of a SuperNode: the SuperLink accepted it, as seen inside Flower's process. */
export const awaitRegistration = stepOf<SuperNodeOutputs>()({
  id: 'await_registration',
  title: 'wait until the SuperLink accepts this node',
  provesServing: true,
  needs: ['read_context', 'discover_superlink', 'trust', 'launch_plan', 'start_flower'],
  async run(outputs, tools) {
    const { discover_superlink, trust, start_flower: flower } = outputs;
    const { endpoint, others } = discover_superlink;
    const { machine } = tools;
    let published: string | undefined;
    let version = discover_superlink.found?.flowerVersion;
    const address = formatHostPort(endpoint);
    const waitFor = (check: string): void =>
      tools.wait({ for: `the SuperLink at ${address} to accept this node`, check });
    waitFor(`journalctl -u flower-supernode; nc -vz ${endpoint.host} ${endpoint.port}`);
    const checkClock = clockChecker(tools);
    const here = flower.flowerVersion;
    const target = { ...endpoint, ca: trust?.caPem ?? null };
    const report = generationReporter(tools);
    report(generationDiffers(here, version));
    const checkPeer = async (signal: AbortSignal): Promise<never> => {
      for (let every = FIRST_CHECK_MS; ; every = CHECK_PEER_EVERY_MS) {
        await machine.clock.sleep(every, signal);
        let warning = await checkPeerTls(endpoint, trust?.caPem, machine.clock.now());
        if (warning === undefined) {
          const answer = await askGeneration(
            machine.host,
            target,
            { here, published: version },
            CALL_PEER_MS,
          );
          signal.throwIfAborted();
          if (answer !== undefined) report(answer.problem);
          warning = answer?.problem;
        }
        const detail = (await readFlowerState(machine))?.detail;
        checkClock(detail);
        const details = [published, warning?.facts.found, ...(warning ? others : []), detail].filter(
          (text) => text !== undefined && text !== '',
        );
        waitFor(details.join('; ') || 'journalctl -u flower-supernode');
      }
    };
    const follow = async (signal: AbortSignal): Promise<never> => {
      for (;;) {
        await followSuperLink(discover_superlink, {
          ...machine,
          oneGate: outputs.read_context.oneGate,
          signal,
          onPending: (why) => {
            published = why;
          },
          onFound: ({ flowerVersion }) => {
            version = flowerVersion;
          },
        });
        tools.superLinkMoved();
      }
    };
    // Flower ends a moment after the SuperLink has refused its timestamps: its last words are read, too.
    const onState = ({ detail }: FlowerState): void => checkClock(detail);
    const { node_id } = await firstOf(tools.signal, (signal) => [
      untilUp(flower, machine, signal, onState),
      checkPeer(signal),
      follow(signal),
      untilFlowerEnds('supernode', flower, machine, signal),
    ]);
    if (node_id !== null) tools.setFacts({ node_id });
    return { output: undefined, note: `node ${node_id ?? '?'} at ${address}` };
  },
});

/** How often a file is read in case its change was not noticed. */
const READ_STATE_EVERY_MS = 250;

/** Resolves when the Flower of this plan serves (was accepted). `onState` gets each state of this plan, also a last one. */
async function untilUp(
  { hash }: Started,
  machine: Machine,
  signal: AbortSignal,
  onState: (state: FlowerState) => void = () => {},
): Promise<FlowerState> {
  let woken = new AbortController();
  const stop = watchFlowerState(machine, () => woken.abort());
  try {
    for (;;) {
      signal.throwIfAborted();
      woken = new AbortController();
      const state = await readFlowerState(machine);
      if (state?.plan === hash) {
        onState(state);
        const live = await liveFlowerState(machine);
        if (live?.up && live.plan === hash) return live;
      }
      const awake = AbortSignal.any([signal, woken.signal]);
      await machine.clock.sleep(READ_STATE_EVERY_MS, awake).catch(() => undefined);
    }
  } finally {
    stop();
  }
}

/** Alembic, about a database of a newer Flower. */
const NEWER_DATABASE = /Can't locate revision identified by/;
const READ_UNIT_EVERY_MS = 1_000;

/** Never resolves: throws flower_start_failed, with Flower's last lines, when the unit's process has ended. */
async function untilFlowerEnds(
  role: Role,
  { flowerVersion }: Started,
  machine: Machine,
  signal: AbortSignal,
): Promise<never> {
  const unit = unitOf(role);
  const before = (await unitState(unit)).restarts;
  for (;;) {
    await machine.clock.sleep(READ_UNIT_EVERY_MS, signal);
    const state = await unitState(unit);
    // With a job the unit is as it was before this boot has asked for its start.
    const ended =
      state.sub.startsWith('auto-restart') ||
      (['failed', 'inactive'].includes(state.active) && !state.startsAgain);
    if (!ended && state.restarts <= before) continue;
    const limit = role === 'supernode' ? await retryLimitReached(machine, state) : undefined;
    if (limit !== undefined) throw limit;
    const lines = (await lastLines(unit, 15)).map((line) => `    ${line}`);
    // After a restart systemd has the result of the new process and not of the one that ended.
    const how = ended ? ` (${state.result}, exit status ${state.exitStatus})` : ' and was started again';
    throw new Problem('flower_start_failed', {
      doing: `starting Flower ${flowerVersion} (${unit})`,
      found: `it ended${how}; its last lines:\n${lines.join('\n')}`,
      expected: 'a process that keeps serving',
      ...(lines.some((line) => NEWER_DATABASE.test(line)) && {
        remedy: `the database was migrated by a newer Flower: ${CATALOGUE.flower_database_newer.remedy}`,
      }),
    });
  }
}
