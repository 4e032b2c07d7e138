import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Container } from '../support/nspawn/container.ts';
import { BRIDGE, LAN, ONEGATE } from '../support/vm/lan.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';
import type { Context } from '../support/zone/context.ts';
import { endWith, until } from '../support/zone/process.ts';

// The network of the image: what one-context writes, and the service of the base that has to carry it out. With ONE_CONTEXT the
// same tests run on OpenNebula's own package.

/** A name that only the name server of this network has, and its address. */
const NAME = { name: 'superlink.lan.example', address: '172.16.100.7' };
const LEASES = { first: '172.16.100.200', last: '172.16.100.209' };
const SIX = { gateway: 'fd00:100::1', first: 'fd00:100::200', last: 'fd00:100::209' };
const FOLDER = '/run/fcvm/dnsmasq';

let server: ChildProcess | undefined;

/** A DHCP server on the bridge, and a name server, which is all that is left of it without `ranges`. */
async function serve(...ranges: string[]): Promise<void> {
  if (server !== undefined) await endWith(server, 'SIGKILL');
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const args = [
    ...['--keep-in-foreground', '--conf-file=/dev/null', '--user=root', '--no-resolv', '--no-hosts'],
    ...[`--interface=${BRIDGE}`, '--bind-interfaces', `--pid-file=${FOLDER}/pid`],
    ...[
      `--dhcp-leasefile=${FOLDER}/leases`,
      `--host-record=${NAME.name},${NAME.address}`,
      '--dhcp-authoritative',
    ],
    ...[`--dhcp-option=option:router,${LAN.gateway}`, `--dhcp-option=option:dns-server,${LAN.dns}`],
    // Routers announce IPv6; without an announcement no guest uses DHCPv6.
    ...(ranges.some((range) => range.includes('::')) ? ['--enable-ra'] : []),
    ...ranges.map((range) => `--dhcp-range=${range}`),
  ];
  server = spawn('dnsmasq', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await until('dnsmasq to listen', async () => existsSync(`${FOLDER}/pid`));
}

beforeAll(() => {
  execFileSync('ip', ['-6', 'address', 'replace', `${SIX.gateway}/64`, 'dev', BRIDGE, 'nodad']);
});
afterAll(() => server && endWith(server, 'SIGKILL'));

let service: GuestService | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

/** A SuperLink alone, ready. */
async function superlink(context: Context): Promise<Container> {
  service = new GuestService({ make: container, supernodes: 0, superlink: context });
  await service.up(90);
  return service.superlink as Container;
}

const addresses = async (guest: Container, family: 4 | 6): Promise<string[]> =>
  (await guest.sh(`ip -${family} -o address show dev eth0 scope global`))
    .split('\n')
    .flatMap((line) => / inet6? ([^/ ]+)/.exec(line)?.[1] ?? []);
const resolved = async (guest: Container): Promise<string | undefined> =>
  (await guest.exec(`getent ahostsv4 ${NAME.name}`)).stdout.split(/\s/)[0];
const routeToOneGate = (guest: Container): Promise<string> => guest.sh(`ip route get ${ONEGATE.address}`);
const endpoint = (guest: Container): string | undefined =>
  service!.oneVm(guest).userTemplate.get('FL_ENDPOINT')?.toString();
const failedUnits = (guest: Container): Promise<string> =>
  guest.sh('systemctl list-units --failed --plain --no-legend');
/** What follows "one-context" in the boot is over. */
const oneContextDone = (guest: Container): Promise<unknown> =>
  guest.until(
    'one-context to have ended',
    async () => (await guest.unit('one-context', 'ActiveState')).ActiveState === 'active',
    90,
  );

describe('a static address', () => {
  beforeAll(() => serve());

  test('is set with IPv6, the name servers of the CONTEXT and the route to OneGate, before and after a change of the CONTEXT', async () => {
    const guest = await superlink({ ETH0_IP6: 'fd00:100::10', ETH0_IP6_GATEWAY: SIX.gateway });
    const complete = async (): Promise<void> => {
      expect(await addresses(guest, 4)).toEqual([LAN.first]);
      expect(await addresses(guest, 6)).toEqual(['fd00:100::10']);
      expect(await guest.sh('ip route show default')).toContain(`via ${LAN.gateway}`);
      expect(await guest.sh('ip -6 route show default')).toContain(`via ${SIX.gateway}`);
      expect(await routeToOneGate(guest)).not.toContain('via');
      expect(await resolved(guest)).toBe(NAME.address);
    };
    await complete();
    expect(endpoint(guest)).toBe(`${LAN.first}:9092`);
    await oneContextDone(guest);
    expect(await failedUnits(guest)).toBe('');
    const before = (await guest.unit('flower-superlink', 'MainPID')).MainPID;
    await guest.recontextualize({ FL_NUM_ROUNDS: '7' });
    await guest.until(
      'the reconfiguration to end',
      async () =>
        (await guest.journal('one-context-reconfigure')).includes('Finished one-context-reconfigure'),
      120,
    );
    await complete();
    expect((await guest.unit('flower-superlink', 'MainPID')).MainPID).toBe(before);
    await guest.whenReady();
  });
});

describe('DHCP', () => {
  const LEASED = /^172\.16\.100\.20\d$/;

  test('without DHCPv6 gives an address that is published, and name servers', async () => {
    await serve(`${LEASES.first},${LEASES.last},10m`);
    const guest = await superlink({ ETH0_METHOD: 'dhcp', ETH0_IP: '', ETH0_DNS: '' });
    const [address] = await addresses(guest, 4);
    expect(address).toMatch(LEASED);
    expect(endpoint(guest)).toBe(`${address}:9092`);
    expect(await routeToOneGate(guest)).not.toContain('via');
    expect(await resolved(guest)).toBe(NAME.address);
    await oneContextDone(guest);
    await guest.recontextualize({ FL_NUM_ROUNDS: '7' });
    await guest.until('the address to come back', async () =>
      LEASED.test((await addresses(guest, 4))[0] ?? ''),
    );
    await guest.until('the route to OneGate', async () => !(await routeToOneGate(guest)).includes('via'));
  });

  test('for both families', async () => {
    await serve(`${LEASES.first},${LEASES.last},10m`, `${SIX.first},${SIX.last},64,10m`);
    const guest = await superlink({
      ETH0_METHOD: 'dhcp',
      ETH0_IP6_METHOD: 'dhcp',
      ETH0_IP: '',
      ETH0_DNS: '',
    });
    expect((await addresses(guest, 4))[0]).toMatch(LEASED);
    await guest.until('an IPv6 address', async () =>
      (await addresses(guest, 6)).some((one) => one.startsWith('fd00:100::2')),
    );
    await oneContextDone(guest);
    expect(await failedUnits(guest)).toBe('');
  });
});

describe('SET_HOSTNAME', () => {
  beforeAll(() => serve());

  test('names the VM, which serves', async () => {
    const guest = await superlink({ SET_HOSTNAME: 'superlink-42.fl.example' });
    await oneContextDone(guest);
    expect(await guest.sh('hostname')).toBe('superlink-42');
    expect(await guest.sh('getent hosts superlink-42.fl.example')).toContain('superlink-42');
    await guest.sh('systemctl restart flower-context');
    expect((await guest.whenReady()).serving).toBe(true);
  });
});
