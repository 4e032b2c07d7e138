import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LaunchPlan } from '../../src/flower/plan.ts';
import { median } from '../bench/statistics.ts';
import type { Guest } from '../support/vm/guest.ts';
import { vm } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';
import { until } from '../support/zone/process.ts';

// What the agent costs where it runs: a VM, its page cache empty as after a boot. Printed and not judged, because an
// emulated processor's times are only good beside each other; CI has no need of it.

const RUNS = Number(process.env.RUNS ?? 1);
const STATE = '/var/lib/flower-context';
const STOP = 'pid=$(cat /run/bare.pid); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done';
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** As the next boot would find it: nothing runs, nothing is cached. */
const switchedOff = (guest: Guest, also = ''): Promise<string> =>
  guest.sh(
    `systemctl stop flower-context flower-${guest.spec.role}; ${also} sync; echo 3 >/proc/sys/vm/drop_caches`,
  );

/** A shell line that runs Flower as the launch plan has it, without the agent, the launcher and the unit. */
async function bareFlower(guest: Guest): Promise<string> {
  const plan = JSON.parse(await guest.sh('cat /run/flower-context/plan.json')) as LaunchPlan;
  const environment = Object.entries(plan.environment).map(([name, value]) => quote(`${name}=${value}`));
  const command = [`/run/flower-context/env/bin/${plan.program}`, ...plan.argv].map(quote);
  const user = 'setpriv --reuid=flower --regid=flower --clear-groups';
  return `cd ${plan.workdir} && exec ${user} env -i ${environment.join(' ')} ${command.join(' ')}`;
}

const accepts = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const over = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('error', over(false)).once('connect', over(true)).setTimeout(1_000, over(false));
  });

describe.skipIf(process.env.CI !== undefined)('what the agent costs in a VM', () => {
  let service: GuestService;

  beforeAll(async () => {
    service = new GuestService({ make: (spec) => vm(spec, [], 2), supernodes: 1 });
    await service.up();
  });
  afterAll(() => service?.stop());

  /** From the start of one-context's hook until OneGate has READY=YES. */
  async function withAgent(guest: Guest, also = ''): Promise<number> {
    // What a boot does not find: the plan of the life before, above all.
    await switchedOff(guest, `rm -rf /run/flower-context/*; ${also}`);
    const { id } = service.oneVm(guest);
    const from = Date.now();
    const ready = (): boolean =>
      service.zone.log.some(
        ({ vm, at, status, attributes }) =>
          vm === id && at > from && status === 200 && attributes.READY === 'YES',
      );
    await guest.sh('/etc/one-context.d/net-91-flower-context network');
    await service.zone.until(ready, 600_000, 'READY');
    return Date.now() - from;
  }

  function print(what: string, agent: readonly number[], bare: readonly number[]): void {
    const seconds = (times: readonly number[]): string =>
      `${(median(times) / 1000).toFixed(1)} s (${times.map((ms) => (ms / 1000).toFixed(1)).join(', ')})`;
    const ratio = median(agent) / median(bare);
    console.log(
      `${what}: hook to READY ${seconds(agent)}; bare Flower ${seconds(bare)}; ratio ${ratio.toFixed(2)} (wanted: at most 1.25)`,
    );
    expect(ratio).toBeGreaterThan(0);
  }

  test('memory of an idle SuperLink', async () => {
    const { superlink } = service;
    /** MiB: what is mapped (a page that n processes share counts 1/n), and of that what the kernel cannot take back. */
    const memory = async (pids: string): Promise<{ all: number; kept: number }> => {
      const text = await superlink.sh(`
        for pid in ${pids}; do cat /proc/$pid/smaps_rollup 2>/dev/null; done |
          awk '/^Pss:/ { all += $2 } /^Pss_(Anon|Shmem):/ { kept += $2 } END { print all / 1024, kept / 1024 }'`);
      const [all, kept] = text.split(' ').map(Number);
      return { all: all!, kept: kept! };
    };
    const unit = (name: string): string =>
      `$(cat /sys/fs/cgroup$(systemctl show --property ControlGroup --value ${name})/cgroup.procs)`;
    const flower = await memory(unit('flower-superlink'));
    const agent = await memory(unit('flower-context'));
    const everything = await memory('$(ls /proc | grep -x "[0-9]*")');
    const rest = {
      all: everything.all - flower.all - agent.all,
      kept: everything.kept - flower.kept - agent.kept,
    };
    console.log(
      Object.entries({ Flower: flower, 'the agent': agent, "Debian's programs": rest })
        .map(([who, { all, kept }]) => `${who.padEnd(18)} ${all.toFixed(0)} MiB, ${kept.toFixed(0)} kept`)
        .join('\n'),
    );
    // Beyond Flower's own.
    expect(agent.all).toBeLessThanOrEqual(80);
    expect(agent.kept + rest.kept).toBeLessThanOrEqual(80);
  });

  test('a SuperNode, from the hook to READY', async () => {
    const [node] = service.supernodes;
    const bare = await bareFlower(node!);
    const times = { agent: [] as number[], bare: [] as number[] };
    for (let run = 0; run < RUNS; run++) {
      await switchedOff(node!);
      const from = Date.now();
      await node!.sh(
        `setsid sh -c ${quote(bare)} >/run/bare.log 2>&1 & echo $! >/run/bare.pid; until grep -q 'SuperNode ID' /run/bare.log; do sleep 0.2; done`,
        { timeoutMs: 20_000 },
      );
      times.bare.push(Date.now() - from);
      await node!.sh(STOP);
      times.agent.push(await withAgent(node!));
    }
    print('SuperNode', times.agent, times.bare);
  });

  test('a SuperLink, from the hook to READY, at its first boot', async () => {
    const { superlink } = service;
    // They could not trust the certificates of this test, and would retry.
    for (const node of service.supernodes) await node.powerCut();
    const bare = await bareFlower(superlink);
    const address = service.oneVm(superlink).ip!;
    const times = { agent: [] as number[], bare: [] as number[] };
    for (let run = 0; run < RUNS; run++) {
      await switchedOff(superlink);
      const from = Date.now();
      await superlink.sh(`setsid sh -c ${quote(bare)} >/run/bare.log 2>&1 & echo $! >/run/bare.pid`);
      await until('bare Flower to listen', () => accepts(address, 9092), { timeoutMs: 300_000 });
      times.bare.push(Date.now() - from);
      await superlink.sh(STOP);
      times.agent.push(await withAgent(superlink, `rm -rf ${STATE}/* /var/lib/flower/*;`));
    }
    print('SuperLink', times.agent, times.bare);
  });
});
