// A role of SuperNodes boots in the same instant, on real sockets. Real: every step of the boot but Flower's own two
// (LightVm), the OneGate client, the TLS handshake with the SuperLink, and OneGate's replies. All agents live in this
// process, so its share of the processor is measured as well: on real VMs they have a thousand processors.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LightVm } from '../support/light-vm.ts';
import { type Cost, costOf, type FromZone, peakRate, type ToZone } from './scale-limits.ts';

export interface BootRow extends Cost {
  readonly nodes: number;
  /** From the first request of all until the last node was published, in seconds. */
  readonly published: number;
  /** ... until half of them were. */
  readonly half: number;
  readonly peakPerSecond: number;
  readonly longestQueue: number;
  readonly longestAnswerMs: number;
  readonly failed: number;
  /** Processor time of all agents together after the first request, in seconds. */
  readonly processor: number;
}

/** Flower is accepted 1 to 1.5 s after its start (`make bench`). */
const flowerMs = (): number => 1_000 + 500 * Math.random();

export async function bootAtOnce(nodes: number, dir: string): Promise<BootRow> {
  const zone = fork(join(import.meta.dirname, 'scale-zone.ts'), { execArgv: ['--no-warnings'] });
  const ask = async <T extends FromZone>(message: ToZone): Promise<T> => {
    zone.send(message);
    const gone = once(zone, 'exit').then(([code]) => {
      throw new Error(`the front-end ended with ${code}`);
    });
    gone.catch(() => {});
    return ((await Promise.race([once(zone, 'message'), gone])) as [T])[0];
  };
  try {
    const { vms } = await ask<Extract<FromZone, { vms: unknown }>>({ nodes });
    const start = Promise.withResolvers<void>();
    const atStart = Promise.withResolvers<void>();
    let there = 0;
    const agents = vms.map(({ token, context }, number) => {
      const folder = join(dir, `${nodes}-${number}`);
      mkdirSync(folder, { recursive: true });
      return new LightVm({
        dir: folder,
        role: 'supernode',
        context,
        token,
        flowerMs,
        before: async (id) => {
          if (id !== 'announce_booting' && id !== 'discover_superlink') return;
          if (id === 'announce_booting' && ++there === nodes) atStart.resolve();
          await start.promise;
        },
      });
    });
    const { signal } = new AbortController();
    const boots = agents.map(async (agent) => {
      const outcome = await agent.boot(signal);
      if (outcome.failure === undefined) await agent.reportReady(signal);
      return outcome;
    });
    await atStart.promise;
    const began = Date.now();
    const before = process.cpuUsage();
    start.resolve();
    const outcomes = await Promise.all(boots);
    const used = process.cpuUsage(before);
    const { log, longestQueue } = await ask<Extract<FromZone, { log: unknown }>>({ over: true });
    const published = log
      .filter((one) => one.published && one.status === 200)
      .map(({ at, ms }) => (at + ms - began) / 1_000)
      .sort((a, b) => a - b);
    return {
      nodes,
      published: published.at(-1) ?? Number.NaN,
      half: published[Math.floor((published.length - 1) / 2)] ?? Number.NaN,
      ...costOf(log, nodes),
      peakPerSecond: peakRate(log),
      longestQueue,
      longestAnswerMs: Math.max(...log.map(({ ms }) => ms)),
      failed:
        outcomes.filter(({ failure }) => failure !== undefined).length +
        Math.max(0, nodes - published.length),
      processor: (used.user + used.system) / 1e6,
    };
  } finally {
    if (zone.connected) {
      zone.disconnect();
      await once(zone, 'exit');
    }
    for (let number = 0; number < nodes; number++)
      rmSync(join(dir, `${nodes}-${number}`), { recursive: true, force: true });
  }
}
