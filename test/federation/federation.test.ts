// Real Flower in a whole zone, per version: it trains, and what was promised is in force in the running processes.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LOCKED_FLOWER } from '../../src/config/locked.ts';
import { profileFor } from '../../src/flower/profiles.ts';
import { zone } from '../support/zone/test-zone.ts';
import { roundsOf } from '../support/zone/training.ts';
import type { Vm } from '../support/zone/vm.ts';

const UP_WITHIN_MS = 90_000;

/** Both generations with the newest of each, and the oldest; `make test-versions` trains with each that is locked. */
const VERSIONS = process.env.TRAIN === 'all' ? LOCKED_FLOWER : ['1.42.0', '1.39.0', '1.31.0'];

/** Where the processes of a VM listen, as `address:port`. */
function listeners(pids: readonly number[]): string[] {
  const inodes = new Set(
    pids.flatMap((pid) => readdirSync(`/proc/${pid}/fd`).map((fd) => target(`/proc/${pid}/fd/${fd}`))),
  );
  const rows = ['tcp', 'tcp6'].flatMap((kind) =>
    readFileSync(`/proc/net/${kind}`, 'utf8').trim().split('\n').slice(1),
  );
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(`socket:[${inode}]`))
    .map(([, local]) => spoken(local!));
}

const target = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
};

/** `0100007F:2384` -> `127.0.0.1:9092`; so does the same address inside a v6 socket. Other v6 addresses stay as they are. */
function spoken(local: string): string {
  const [address, port] = local.split(':') as [string, string];
  const v4 = address.replace(/^0{16}FFFF0{4}/, '');
  const bytes = v4.length === 8 ? Buffer.from(v4, 'hex').reverse().join('.') : address;
  return `${bytes}:${Number.parseInt(port, 16)}`;
}

/** All processes of Flower on a VM. */
async function flowerProcesses(vm: Vm): Promise<number[]> {
  const main = Number((await vm.unit(`flower-${vm.spec.role}`)).MainPID);
  const of = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const field = (pid: string, index: number): number => {
    try {
      return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[index]);
    } catch {
      return -1;
    }
  };
  return of.filter((pid) => Number(pid) === main || field(pid, 1) === main).map(Number);
}

/** The keepalive of the defaults, as each generation has it on both sides. */
const KEEPALIVE = {
  grpc: {
    server: [
      ['grpc.keepalive_time_ms', 60_000],
      ['grpc.keepalive_timeout_ms', 20_000],
      ['grpc.http2.min_recv_ping_interval_without_data_ms', 30_000],
    ],
    client: [['grpc.keepalive_time_ms', 60_000]],
  },
  http: {
    server: [
      ['SO_KEEPALIVE', 1],
      ['TCP_KEEPIDLE', 60],
      ['TCP_USER_TIMEOUT', 20_000],
    ],
    client: [
      ['SO_KEEPALIVE', 1],
      ['TCP_KEEPIDLE', 60],
      ['TCP_USER_TIMEOUT', 20_000],
    ],
  },
};

describe.each(VERSIONS)('Flower %s', (version) => {
  test('trains three rounds on both nodes, over TLS, with keepalive in force on both sides', async () => {
    const federation = zone({ flower: { version }, superlink: { FL_NUM_ROUNDS: '3' } });
    await federation.up(UP_WITHIN_MS);
    const { superlink, supernodes } = federation;
    const keepalive = KEEPALIVE[profileFor(version).transport];
    expect(superlink.flowerLink()?.options.server).toEqual(expect.arrayContaining(keepalive.server));
    for (const vm of supernodes)
      expect(vm.flowerLink()?.options.client).toEqual(expect.arrayContaining(keepalive.client));
    expect(new Set(supernodes.map((vm) => vm.status()?.facts.node_id)).size).toBe(2);

    const open = listeners(await flowerProcesses(superlink));
    const { ip } = federation.seenBy(superlink);
    expect(open).toContain(`${ip}:9092`);
    expect(
      open.filter((one) => one !== `${ip}:9092` && !one.startsWith(`${superlink.spec.loopback}:`)),
    ).toEqual([]);

    // The example app of the image, by its name: nothing is copied to the VM.
    const { code, stdout, stderr } = await superlink.cli('submit', 'quickstart');
    expect(code, `${stdout}${stderr}`).toBe(0);
    const rounds = roundsOf(`${stdout}${stderr}`.split('\n'));
    expect(rounds.map(({ round, results, failures }) => [round, results, failures])).toEqual([
      [1, 2, 0],
      [2, 2, 0],
      [3, 2, 0],
    ]);
    const losses = rounds.map(({ metrics }) => metrics.eval_loss!);
    expect(losses[2]).toBeLessThan(losses[0]!);
  });
});
