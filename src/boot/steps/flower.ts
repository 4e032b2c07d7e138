import { stripVTControlCharacters } from 'node:util';
import { formatHostPort, type HostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import { parseVersion } from '../../core/version.ts';
import { superLinkListeners } from '../../flower/plan.ts';
import { profileFor } from '../../flower/profiles/index.ts';
import { liveFlowerState, readFlowerState } from '../../flower/state-file.ts';
import { pointLink, watchFile, writeIfChanged } from '../../host/files.ts';
import type { Host } from '../../host/host.ts';
import type { Machine } from '../../host/machine.ts';
import { tryListen } from '../../host/net.ts';
import type { Paths } from '../../host/paths.ts';
import { lastLines, queueJob, unitState } from '../../host/systemd.ts';
import { checkPeerTls } from '../examine.ts';
import type { Facts, Knowledge } from '../knowledge.ts';
import { probeFleetApi } from '../probe.ts';
import type { Step, StepTools } from '../step.ts';
import { unpublish } from '../unpublish.ts';

export const unitOf = (role: 'superlink' | 'supernode'): string => `flower-${role}.service`;

/**
 * Starts Flower with the plan, or leaves it alone when it runs with exactly this plan. systemd has started its launcher
 * together with the agent: one that waits for a plan takes this one, and has most of Flower's imports behind it.
 */
export const startFlower: Step = {
  id: 'start_flower',
  title: 'start Flower',
  needs: ['launch_plan'],
  keeps: true,
  async run(known, tools) {
    const { paths, host } = tools.machine;
    const unit = unitOf(known.get('config').role);
    // Listened on for a moment, so not while a Flower of an earlier plan may be about to.
    const ports = readFlowerState(paths.flowerLink) === undefined ? takenPort(known, host) : undefined;
    const { active, sub, pid } = await unitState(unit);
    const running = pid !== 0 && (active === 'active' || (active === 'activating' && sub !== 'auto-restart'));
    const taken = (): string | undefined => {
      const link = readFlowerState(paths.flowerLink);
      return link?.pid === pid ? link.plan : undefined;
    };
    if (running && taken() === known.get('planHash')) {
      return { kept: true, note: `${unit} runs with this plan already` };
    }
    const waits = running && taken() === undefined;
    if (!running || waits) {
      const taken = await (ports ?? takenPort(known, host));
      if (taken !== undefined) throw taken;
    }
    await closeForRestart(known, tools);
    writePlan(known, paths);
    // The launcher says which plan it took, and then reads the plan once more: it cannot have missed this one.
    if (waits && [undefined, known.get('planHash')].includes(taken())) {
      return { note: `Flower ${known.get('flowerVersion')}, which was waiting for the plan` };
    }
    const refused = await queueJob('restart', unit);
    if (refused !== undefined) {
      throw new Problem('flower_start_failed', {
        doing: `asking systemd to start ${unit}`,
        found: refused,
        remedy: `look at \`systemctl status ${unit}\``,
      });
    }
    return { note: `Flower ${known.get('flowerVersion')}` };
  },
};

/** Puts the plan where the launcher looks; first the environment that it is for. */
export function writePlan(known: Knowledge, paths: Paths): void {
  const { text, environment, access } = known.get('planFile');
  pointLink(paths.environment, environment);
  writeIfChanged(paths.plan, text, access);
}

/** A launcher that waits for a plan will get none: the boot failed before there was one. */
export async function endWaitingFlower(known: Knowledge, paths: Paths): Promise<void> {
  const role = known.peek('appliance')?.role;
  if (role === undefined || known.peek('planHash') !== undefined || liveFlowerState(paths) !== undefined)
    return;
  await queueJob('stop', unitOf(role));
}

/**
 * For the time of a restart nothing serves. What OneGate was told of earlier settings is withdrawn; a Flower that died
 * while this look was under way was told of truthfully, but the ready script must not pass on its memory.
 */
export async function closeForRestart(known: Knowledge, tools: StepTools): Promise<void> {
  if (liveFlowerState(tools.machine.paths)?.up) await unpublish(known, tools);
  else tools.closeGate();
}

/** Flower says little about a taken port, and a SuperNode nothing at all. Undefined: all it needs are free. */
async function takenPort(known: Knowledge, { loopback }: Host): Promise<Problem | undefined> {
  const config = known.get('config');
  const version = known.get('flowerVersion');
  const wanted: readonly HostPort[] =
    config.role === 'superlink'
      ? profileFor(version).superlinkPorts(superLinkListeners(config, loopback), parseVersion(version)!.minor)
      : [{ host: loopback, port: 9094 }];
  const outcomes = await Promise.all(wanted.map(({ host, port }) => tryListen(host, port)));
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.free) continue;
    const address = wanted[index]!;
    const taken = outcome.why === 'EADDRINUSE';
    return new Problem('port_in_use', {
      doing: `checking that Flower can listen on ${formatHostPort(address)}`,
      found: taken ? 'another program listens there' : `it cannot be listened on (${outcome.why})`,
      remedy: taken
        ? `find the program with \`ss -ltnp 'sport = :${address.port}'\` and stop it, or choose another port`
        : 'choose an address that this VM has, or 0.0.0.0',
    });
  }
  return undefined;
}

/** Generous: a first start on a slow disk or under emulation takes ten times what it takes on a server. */
const SERVING_WITHIN_MS = 180_000;

/** Readiness of a SuperLink: its Fleet API answers gRPC at the published address, verified with the published CA. */
export const awaitFleetApi: Step = {
  id: 'await_fleet_api',
  title: 'wait for the Fleet API',
  needs: ['start_flower'],
  async run(known, tools) {
    const endpoint = known.get('endpoint');
    const until = new Date(tools.machine.clock.now().getTime() + SERVING_WITHIN_MS);
    const shown = formatHostPort(endpoint);
    tools.wait({
      for: `the Fleet API to answer at ${shown}`,
      until,
      check: 'journalctl -u flower-superlink',
    });
    const over = new AbortController();
    const signal = AbortSignal.any([tools.signal, over.signal]);
    const probe = probeFleetApi(endpoint, known.get('serverTrust')?.files.ca, SERVING_WITHIN_MS, signal);
    const death = untilFlowerEnds(known, tools.machine, signal);
    try {
      const answer = await Promise.race([probe, death]);
      if (answer.ok) {
        const link = await untilLink(known, tools.machine, signal, (now) => now.phase === 'serving');
        known.set('link', link);
        return {
          note: `${shown} answers${known.get('serverTrust') === undefined ? ' in plaintext' : ', verified with the CA'}`,
        };
      }
      throw new Problem('health_check_timeout', {
        doing: `calling the Fleet API at ${shown}`,
        found: answer.reason,
        expected: 'a gRPC answer, verified with the CA that SuperNodes get',
      });
    } finally {
      over.abort();
      await Promise.allSettled([probe, death]);
    }
  },
};

/** While a SuperNode waits, the way to the SuperLink is looked at so often. */
const EXAMINE_EVERY_MS = 10_000;

/** Readiness of a SuperNode: the SuperLink accepted it, as seen inside Flower's process. */
export const awaitRegistration: Step = {
  id: 'await_registration',
  title: 'wait until the SuperLink accepts this node',
  needs: ['start_flower'],
  async run(known, tools) {
    const { machine } = tools;
    const shown = formatHostPort(known.get('superlink').endpoint);
    const tell = (check: string): void =>
      tools.wait({ for: `the SuperLink at ${shown} to accept this node`, check });
    tell(
      `journalctl -u flower-supernode; nc -vz ${known.get('superlink').endpoint.host} ${known.get('superlink').endpoint.port}`,
    );
    const judgeClock = clockWatcher(tools);
    const over = new AbortController();
    const signal = AbortSignal.any([tools.signal, over.signal]);
    const examination = (async (): Promise<never> => {
      for (;;) {
        await machine.clock.sleep(EXAMINE_EVERY_MS, signal);
        const seen = await checkPeerTls(known, machine.clock.now());
        const detail = readFlowerState(machine.paths.flowerLink)?.detail;
        judgeClock(detail);
        tell(
          [seen, detail].filter((text) => text !== undefined && text !== '').join('; ') ||
            'journalctl -u flower-supernode',
        );
      }
    })();
    const death = untilFlowerEnds(known, machine, signal);
    // Flower ends a moment after the SuperLink has refused its timestamps: what the launcher said of it is read at once.
    const accepted = untilLink(known, machine, signal, ({ phase, detail }) => {
      judgeClock(detail);
      return phase === 'accepted';
    });
    try {
      const link = await Promise.race([accepted, examination, death]);
      known.set('link', link);
      if (link.node_id !== null) tools.tell({ node_id: link.node_id });
      return { note: `node ${link.node_id ?? '?'} at ${shown}` };
    } finally {
      over.abort();
      await Promise.allSettled([examination, death, accepted]);
    }
  },
};

/** A clock that is off, told once and taken back when it is right: Flower itself only goes on trying. */
function clockWatcher({ warn, solved }: StepTools): (detail: string | undefined) => void {
  let told = false;
  return (detail) => {
    const off = detail !== undefined && /\btimestamps\b/.test(detail);
    if (off && !told) {
      const doing = 'waiting for the SuperLink to accept this node';
      warn(new Problem('clock_off', { doing, found: detail, expected: 'clocks that agree to within 5 s' }));
    } else if (told && !off) solved('clock_off');
    told = off;
  };
}

/** Resolves with the first link file of this plan that is wanted. The file is watched; a slow look backs that up. */
async function untilLink(
  known: Knowledge,
  machine: Machine,
  signal: AbortSignal,
  wanted: (link: Facts['link']) => boolean,
): Promise<Facts['link']> {
  const plan = known.get('planHash');
  for (;;) {
    signal.throwIfAborted();
    const woken = new AbortController();
    const stop = watchFile(machine.paths.flowerLink, () => woken.abort());
    try {
      const link = readFlowerState(machine.paths.flowerLink);
      if (link?.plan === plan && wanted(link)) return link;
      await machine.clock.sleep(250, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    } finally {
      stop();
    }
  }
}

const LOOK_AT_UNIT_EVERY_MS = 1_000;

/** Never resolves well: throws flower_start_failed, with Flower's own last words, when the unit's process has ended. */
async function untilFlowerEnds(known: Knowledge, machine: Machine, signal: AbortSignal): Promise<never> {
  const unit = unitOf(known.get('config').role);
  const before = (await unitState(unit)).restarts;
  for (;;) {
    await machine.clock.sleep(LOOK_AT_UNIT_EVERY_MS, signal);
    const state = await unitState(unit);
    const ended = state.active === 'failed' || state.active === 'inactive' || state.sub === 'auto-restart';
    if (!ended && state.restarts <= before) continue;
    const lines = await lastLines(unit, 15);
    throw new Problem('flower_start_failed', {
      doing: `starting Flower ${known.get('flowerVersion')} (${unit})`,
      // Started again already, systemd tells of the new process and not of the one that ended.
      found: `it ended${ended ? ` (${state.result}, exit status ${state.exitStatus})` : ' and was started again'}; its last lines:\n${lines.map((line) => `    ${plainLine(line)}`).join('\n')}`,
      expected: 'a process that goes on serving',
    });
  }
}

/** A line of another program, fit for ours: no control characters, no colours, not endless. */
const plainLine = (line: string): string =>
  stripVTControlCharacters(line)
    .replaceAll(/\p{Cc}/gu, '')
    .slice(0, 300);
