import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CERTIFICATION } from '../../scripts/marketplace/apps.ts';
import { type Check, certification, throughFrontEnd } from '../support/certification.ts';
import { Container } from '../support/nspawn/container.ts';
import { updatesOf } from '../support/onegate/index.ts';
import type { GuestSpec } from '../support/vm/guest.ts';
import { rootOf } from '../support/vm/images.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService, type ServiceSpec } from '../support/vm/service.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

// The image under the one-apps service framework: /etc/one-appliance/service is what one-context calls, its status file
// is what decides about READY, and its message of the day is what people and the marketplace's tests look at.

const READY = 'All set and ready to serve';

/** As Packer leaves the disk: framework and appliance.sh are installed. */
function withFramework(guest: Container): Container {
  execFileSync(join(REPOSITORY, 'test/support/one-appliance/install.sh'), [guest.path('/')]);
  return guest;
}

/** Has the framework wait so many seconds for the agent at boot. */
function patience(guest: Container, seconds: number): Container {
  const file = guest.path('/etc/one-appliance/service.d/appliance.sh');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('within=60');
  writeFileSync(file, text.replace('within=60', `within=${seconds}`));
  return guest;
}

/** The current text of a file of the guest; empty when there is none. */
function read(guest: Container, path: string): string {
  try {
    return readFileSync(guest.path(path), 'utf8').trim();
  } catch {
    return '';
  }
}
const status = (guest: Container): string => read(guest, '/etc/one-appliance/status');
const motd = (guest: Container): string => read(guest, '/etc/motd');

const noted = (guest: Container, wanted: string, seconds = 60): Promise<unknown> =>
  guest.until(`the framework to note ${wanted}`, async () => status(guest) === wanted, seconds);

const passes = async (guest: Container, { command }: Check): Promise<boolean> =>
  (await guest.exec(throughFrontEnd(command))).code === 0;

/** Runs the marketplace's test of an image, each command through the front-end's shell, as its class VM does. */
async function certify(guest: Container, role: 'superlink' | 'supernode'): Promise<void> {
  for (const check of certification(role)) {
    // A command without a time limit of its own is tried once.
    if (check.seconds === 0) expect(await passes(guest, check), check.command).toBe(true);
    else await guest.until(check.command, () => passes(guest, check), check.seconds);
  }
}

/** The commands that do not pass now. */
async function failing(guest: Container, role: 'superlink' | 'supernode'): Promise<string[]> {
  const failed: string[] = [];
  for (const check of certification(role)) if (!(await passes(guest, check))) failed.push(check.command);
  return failed;
}

let service: GuestService | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

/** A SuperLink of a service, switched on under the framework. */
async function superlink(
  spec: Partial<ServiceSpec> = {},
  prepare = (guest: Container): Container => guest,
): Promise<Container> {
  const make = (one: GuestSpec): Container => prepare(withFramework(container(one)));
  service = new GuestService({ make, supernodes: 0, ...spec });
  await service.deploy();
  await service.switchedOn(1);
  return service.superlink as Container;
}

const readyInZone = (guest: Container): string | undefined =>
  service!.oneVm(guest).userTemplate.get('READY')?.toString();

describe('a successful boot', () => {
  test('ends with the status and the message of the framework, and READY with all attributes', async () => {
    const guest = await superlink();
    await noted(guest, 'bootstrap_success');
    expect(motd(guest)).toContain(READY);
    await service!.zone.until(() => readyInZone(guest) === 'YES', 30_000, 'READY');
    const updates = updatesOf(service!.zone, service!.oneVm(guest)).map(({ attributes }) => attributes);
    const published = updates.findIndex(({ FL_READY }) => FL_READY === 'YES');
    expect(updates[published]).toMatchObject({
      FL_ENDPOINT: expect.anything(),
      FL_CA_CERT: expect.anything(),
    });
    expect(updates.findIndex((one) => one.READY === 'YES')).toBe(published);
    expect((await guest.status())!.problems).toEqual([]);
    const report = read(guest, '/etc/one-appliance/config');
    expect(report).toMatch(/^\[Flower\]\nrole += superlink\nversion += 1\.39\.0\n/);
    expect(await guest.sh('stat -c %a /etc/one-appliance/config')).toBe('600');
    // What runs is what systemd runs: nothing was left in the framework's own process.
    expect((await guest.unit('flower-superlink', 'ActiveState')).ActiveState).toBe('active');
  });

  test('runs again at a reboot, which reports nothing before it serves', async () => {
    const guest = await superlink();
    await noted(guest, 'bootstrap_success');
    const { facts } = await guest.whenReady();
    await guest.shutdown();
    const updates = updatesOf(service!.zone, service!.oneVm(guest)).length;
    await guest.powerOn();
    await guest.until('the framework to begin again', async () => status(guest) !== 'bootstrap_success');
    await noted(guest, 'bootstrap_success');
    const again = (await guest.status())!;
    expect(again.serving).toBe(true);
    expect(again.facts.ca_sha256).toBe(facts.ca_sha256);
    await service!.zone.until(() => readyInZone(guest) === 'YES', 30_000, 'READY');
    const later = updatesOf(service!.zone, service!.oneVm(guest)).slice(updates);
    expect(later[0]!.attributes).toMatchObject({ READY: 'NO', FL_READY: 'NO' });
  });
});

describe('a boot that fails', () => {
  test('is a failure for the framework with the reason in its log, and the corrected CONTEXT makes it a success', async () => {
    const guest = await superlink({ superlink: { FL_NUM_ROUNDS: 'three' } });
    await noted(guest, 'bootstrap_failure');
    expect(motd(guest)).toContain('APPLIANCE ERROR');
    expect(motd(guest)).not.toContain(READY);
    expect(read(guest, '/var/log/one-appliance/bootstrap.log')).toMatch(
      /config_validation_failed: .*FL_NUM_ROUNDS/,
    );
    expect(service!.oneVm(guest).userTemplate.get('FL_ERROR')).toBe('config_validation_failed');
    expect(readyInZone(guest)).toBe('NO');
    await guest.until(
      'one-context to be through',
      async () => (await guest.unit('one-context', 'ActiveState')).ActiveState === 'active',
    );
    await guest.recontextualize({ FL_NUM_ROUNDS: '3' });
    await noted(guest, 'bootstrap_success');
    expect(motd(guest)).toContain(READY);
    await service!.zone.until(() => readyInZone(guest) === 'YES', 30_000, 'READY');
  });

  test('that a power cut interrupted resumes at the next boot, although the framework stored only its start', async () => {
    const guest = await superlink();
    await guest.until('the bootstrap to begin', async () => status(guest) === 'bootstrap_started');
    await guest.powerCut();
    expect(status(guest)).toBe('bootstrap_started');
    await guest.powerOn();
    await noted(guest, 'bootstrap_success');
    expect(motd(guest)).toContain(READY);
  });

  test('and succeeds after the framework has given up corrects status and message and reports READY', async () => {
    const guest = await superlink({}, (one) => {
      patience(one, 0);
      // OneGate is away: no READY before it was published.
      void service?.zone.down();
      return one;
    });
    await noted(guest, 'bootstrap_failure');
    expect(motd(guest)).toContain('APPLIANCE ERROR');
    await service!.zone.up();
    await noted(guest, 'bootstrap_success', 120);
    expect(motd(guest)).toContain(READY);
    await service!.zone.until(() => readyInZone(guest) === 'YES', 120_000, 'READY');
  });
});

describe('an appliance without OneGate, token or service, as the marketplace tests it', () => {
  const guests = new Map<number, Container>();
  afterAll(() => Promise.all([...guests.values()].map((guest) => guest.powerCut())));

  async function alone(role: 'superlink' | 'supernode', number: number, more: Record<string, string>) {
    const dir = `/run/fcvm/alone-${number}`;
    // A test that is tried again creates its guest again.
    await guests.get(number)?.powerCut();
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
    const context = {
      NETWORK: 'YES',
      ETH0_MAC: `02:00:ac:10:64:5${number}`,
      ETH0_IP: `172.16.100.5${number}`,
      ETH0_MASK: '255.255.255.0',
      ...more,
    };
    const guest = new Container({ name: `fcvm-alone-${number}`, dir, role, context, image: rootOf(role) });
    guests.set(number, patience(withFramework(guest), 30));
    await guest.powerOn();
    return guest;
  }

  const { superlink: ofLink, supernode: ofNode } = CERTIFICATION;
  let link: Container;
  beforeAll(async () => {
    link = await alone('superlink', 1, ofLink);
  });

  test('a SuperLink boots, reports it, and passes its certification', async () => {
    await noted(link, 'bootstrap_success');
    await certify(link, 'superlink');
    expect(motd(link)).toContain(READY);
    const { serving, problems } = (await link.status())!;
    expect({ serving, fatal: problems.filter(({ kind }) => kind === 'fatal') }).toEqual({
      serving: true,
      fatal: [],
    });
  });

  test('a SuperNode with an address of its SuperLink and a CA boots', async () => {
    const ca = await link.sh('base64 -w0 /var/lib/flower-context/tls/ca.pem');
    const settings = { FL_SUPERLINK_ADDRESS: '172.16.100.51:9092', FL_SSL_CA_CERTFILE: ca };
    const node = await alone('supernode', 2, settings);
    await noted(node, 'bootstrap_success');
    expect(motd(node)).toContain(READY);
  });

  test('a SuperNode passes its certification, which starts a SuperLink beside it', async () => {
    const node = await alone('supernode', 4, ofNode);
    await certify(node, 'supernode');
  });

  test('a SuperNode without any settings reports what it misses', async () => {
    const node = await alone('supernode', 3, {});
    await noted(node, 'bootstrap_failure');
    expect(motd(node)).toContain('APPLIANCE ERROR');
    expect(read(node, '/var/log/one-appliance/bootstrap.log')).toContain('FL_SUPERLINK_ADDRESS');
  });

  test('the certification fails when its expectation is not met', async () => {
    expect(await failing(guests.get(3)!, 'supernode')).toEqual(
      expect.arrayContaining([
        'flower-context ready --timeout 0',
        'systemctl is-active flower-supernode.service',
        'grep -q All.set.and.ready.to.serve /etc/motd',
        'grep -qx bootstrap_success /etc/one-appliance/status',
      ]),
    );
    await link.exec('systemd-run --quiet --wait --unit=flower-broken false');
    expect(await failing(link, 'superlink')).toEqual(['! systemctl is-failed flower-* one-context*']);
    await link.sh('systemctl reset-failed flower-broken; systemctl stop flower-superlink');
    expect(await failing(link, 'superlink')).toContain('systemctl is-active flower-superlink.service');
    const other = await alone('superlink', 5, { FL_CERT_EXTRA_SAN: 'DNS:other.example' });
    await noted(other, 'bootstrap_success');
    expect(await failing(other, 'superlink')).toEqual([
      expect.stringContaining('-checkhost superlink.example'),
    ]);
  });
});
