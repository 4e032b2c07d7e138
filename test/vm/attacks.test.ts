import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { updatesOf } from '../support/onegate/index.ts';
import { differences, Foothold, type Snapshot, snapshotOf, submitAttacker } from '../support/vm/foothold.ts';
import type { Guest } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';
import { roundsOf } from '../support/zone/training.ts';

// What an app of a run can do to the VM that it runs on. The app `attacker` is sent like any other app, and tries it with the
// rights of a ServerApp and of a ClientApp. Everything here has to fail, except what docs/security.md says an app can do.

type Role = 'superlink' | 'supernode';

/** What user flower, or the user of the apps, may change as it likes. */
const OF_FLOWER = [
  '/var/lib/flower/superlink',
  '/var/lib/flower/supernode',
  '/var/lib/flower-app',
  '/tmp',
  '/var/tmp',
  '/dev/shm',
];
/** Of systemd, one-context and the agent: files come, go and change their content there; owner and mode stay. */
const LIVING = [
  '/run/systemd',
  '/run/log',
  '/run/udev',
  '/run/credentials',
  '/run/one-context',
  '/run/flower-context',
  '/run/motd.d',
  '/root/attacker',
  '/var/log',
  '/var/lib/systemd',
  '/var/lib/flower-context/checkpoint.json',
  '/var/lib/flower-context/flwr',
  '/var/cache/flower-context',
  // Flower's command `flwr run`, as root, imports the package of the app.
  '/usr/share/flower-context/apps/quickstart/quickstart/__pycache__',
];

/** The directories that Flower needs below its own, as they were made by root once. */
const DIRECTORIES: Record<Role, readonly string[]> = {
  superlink: ['.flwr', 'state', 'checkpoints'],
  supernode: ['.flwr'],
};

/** What an app can make of a name, and what a symlink leads to. */
const KINDS: readonly (readonly [kind: string, target?: string])[] = [
  ['symlink', '/var/lib/flower-context/tls'],
  ['symlink', '/opt/flower/scripts'],
  ['symlink', '/var/lib/flower-context/checkpoint.json'],
  ['symlink', '/etc/shadow'],
  ['symlink', '/nowhere'],
  ['symlink', '/var/lib/flower-context/new'],
  ['loop'],
  ['file'],
  ['FIFO'],
  ['socket'],
  ['nothing'],
];

/** Sockets that Flower and its apps may use: for notifications, for the journal, and for names of machines. */
const SOCKETS = /^\/run\/systemd\/(notify|journal\/(socket|stdout|dev-log)|resolve\/.*)$/;

/** A boot that root types, as docs/operate.md describes it. */
const TYPED =
  'systemctl stop flower-context; flower-context boot --fresh; systemctl start --no-block flower-context';
/** What else root types, on a VM that looks odd. None of them may wait for a file of Flower. */
const COMMANDS = ['status', 'ready', 'doctor', 'validate', 'plan', 'ca'];

/** The agent takes all its steps again, as after each change of the CONTEXT or after a crash. */
async function again(guest: Guest, how: 'reload' | 'restart' | 'typed' = 'reload'): Promise<void> {
  const before = (await guest.status())?.started_at;
  if (how === 'typed') await guest.sh(TYPED, { timeoutMs: 120_000 });
  else await guest.sh(`systemctl ${how} --no-block flower-context`);
  await guest.waitFor(
    'another boot of the agent',
    ({ started_at, phase }) => started_at !== before && ['ready', 'failed'].includes(phase),
  );
}

describe.each(['subprocess', 'process'])('an app with FL_ISOLATION=%s', (FL_ISOLATION) => {
  const apart = FL_ISOLATION === 'process';
  let service: GuestService;
  const before = new Map<Guest, Snapshot>();
  const apps = new Map<Guest, Foothold>();

  const guestOf = (role: Role): Guest => (role === 'superlink' ? service.superlink : service.supernodes[0]!);
  /** What has changed outside of Flower's directories since the last call. */
  async function changes(guest: Guest): Promise<string[]> {
    const [then, now] = [before.get(guest)!, await snapshotOf(guest, OF_FLOWER)];
    before.set(guest, now);
    return differences(then, now, LIVING);
  }

  async function submit(): Promise<void> {
    await submitAttacker(service.superlink);
    for (const guest of service.all) apps.set(guest, await Foothold.on(guest));
  }

  /** The app on each machine; another run where Flower or SuperExec was started again meanwhile. */
  async function running(): Promise<void> {
    const alive = await Promise.all([...apps.values()].map((app) => app.isAlive()));
    if (alive.every(Boolean)) return;
    for (const app of apps.values()) await app.end();
    await submit();
  }

  beforeAll(async () => {
    service = new GuestService({
      make: container,
      supernodes: 1,
      superlink: { FL_ISOLATION, FL_CHECKPOINT_ENABLED: 'YES' },
      supernode: { FL_ISOLATION },
    });
    await service.up();
    await submit();
    for (const guest of service.all) before.set(guest, await snapshotOf(guest, OF_FLOWER));
  });
  afterAll(() => service?.stop());

  describe.each(['superlink', 'supernode'] as const)('on a %s', (role) => {
    let guest: Guest;
    let app: Foothold;
    let agent: string;
    let flower: string;
    beforeAll(async () => {
      guest = guestOf(role);
      agent = (await guest.unit('flower-context', 'MainPID')).MainPID!;
      flower = (await guest.unit(`flower-${role}`, 'MainPID')).MainPID!;
    });

    beforeEach(async () => {
      await running();
      app = apps.get(guest)!;
    });

    const state = `/var/lib/flower/${role}`;
    const directories = DIRECTORIES[role].map((name) => `${state}/${name}`);

    /** The agent and Flower are the processes that they were, the node takes part, and nothing of others has changed. */
    async function unharmed(): Promise<void> {
      expect(await changes(guest)).toEqual([]);
      const main = async (unit: string) => (await guest.unit(unit, 'MainPID')).MainPID;
      expect([await main('flower-context'), await main(`flower-${role}`)]).toEqual([agent, flower]);
      await guest.whenReady();
      expect((await guest.exec('flower-context ready')).code).toBe(0);
    }

    test('has the user, the privileges and the folder that docs/security.md says', async () => {
      const self = await app.get<Record<string, unknown>>('who');
      expect(await guest.sh(`id -un ${self.uid}`)).toBe(apart ? 'flower-app' : 'flower');
      expect(self).toMatchObject({ no_new_privileges: '1', folder: apart ? expect.anything() : state });
      expect(self.capabilities).toBe(apart || role === 'supernode' ? '0000000000000000' : '0000000000000400');
      expect(await guest.sh('getent passwd flower flower-app | cut -d: -f6 | sort -u')).toBe('/nonexistent');
    });

    test.each(KINDS)(
      'changes a directory of Flower to a %s (%s), and the agent boots again',
      async (kind, target) => {
        const planted: string[] = [];
        for (const path of directories) {
          const { error } = await app.try('plant', path, kind, ...(target === undefined ? [] : [target]));
          if (error === undefined) planted.push(path);
        }
        expect(planted).toEqual(apart ? [] : directories);
        await again(guest);
        for (const command of COMMANDS)
          expect((await guest.exec(`timeout 30 flower-context ${command}`)).code, command).not.toBe(124);
        for (const path of planted) await app.get('restore', path);
        await unharmed();
      },
    );

    test('can rename or change no directory above those of Flower, and none of the agent', async () => {
      const others = [
        ...['/var/lib/flower', state, '/var/lib/flower-context', '/var/lib/flower-context/tls', '/var/lib'],
        ...['/run/flower-context', '/run/flower-context/plan.json', '/run/flower-context/link.json', '/run'],
        ...[
          '/run/flower-context/status.json',
          '/run/flower-context/ready.json',
          '/run/motd.d',
          '/run/flower',
        ],
        ...[
          '/opt/flower',
          '/opt/flower/scripts',
          '/opt/flower/envs',
          '/opt/flower/data',
          '/opt/flower/baked',
        ],
        ...['/etc', '/etc/passwd', '/usr/lib/flower-context', '/var/cache/flower-context', '/run/systemd'],
        ...['/run/systemd/system', '/etc/systemd/system', '/run/one-context', '/root', '/home', '/boot', '/'],
      ];
      const own = apart ? [] : [`new_name ${state}`];
      expect(await app.get('writable', ...others)).toEqual(own);
      await unharmed();
    });

    test('exchanges the end of a long chain of symlinks while the agent boots, and gets no file of root', async () => {
      const secret = role === 'superlink' ? '/var/lib/flower-context/tls/ca.key' : '/etc/shadow';
      const { error } = await app.try('race', directories[0], secret);
      expect(error === undefined).toBe(!apart);
      for (const how of ['reload', 'restart', 'typed', 'reload', 'restart', 'typed'] as const)
        await again(guest, how);
      if (error === undefined) expect(await app.get('race_is_over')).toEqual([]);
      agent = (await guest.unit('flower-context', 'MainPID')).MainPID!;
      await unharmed();
    });

    test('reaches no socket of the system but those for notifications, the journal and names', async () => {
      const listed = await guest.sh(
        `find /run /var /tmp -type s; awk '$8 ~ /^@/ { print $8 }' /proc/net/unix | grep -v '^@[0-9a-f]*/bus/' | sort -u`,
      );
      const reached: string[] = [];
      for (const path of listed.split('\n'))
        if ((await app.try('connect', path)).error === undefined) reached.push(path);
      expect(listed).toContain('/run/dbus/system_bus_socket');
      expect(listed).toContain('/run/systemd/private');
      expect(reached.filter((path) => !SOCKETS.test(path))).toEqual([]);
      await unharmed();
    });

    test('starts no user manager, no unit and no program outside of its sandbox', async () => {
      for (const words of [
        ['loginctl', 'enable-linger'],
        ['systemd-run', '--user', 'true'],
        ['systemd-run', 'true'],
        ['systemctl', 'start', 'debug-shell.service'],
        ['systemctl', '--user', 'start', 'default.target'],
        ['busctl', 'list'],
        ['machinectl', 'shell'],
        ['su', '-c', 'id'],
      ])
        expect((await app.try('command', ...words)).result ?? {}, words.join(' ')).not.toMatchObject({
          status: 0,
        });
      expect(await guest.sh(`systemctl list-units --all --no-legend 'user@*' debug-shell.service`)).toBe('');
      expect(await guest.sh('ls -A /var/lib/systemd/linger 2>/dev/null || true')).toBe('');
      await unharmed();
    });

    test('notifies systemd as a child of Flower, and systemd ignores it', async () => {
      const unit = `flower-${role}`;
      const seen = ['MainPID', 'NRestarts', 'ActiveState', 'SubState', 'Result'];
      const first = [await guest.unit(unit, ...seen), await guest.unit('flower-context', ...seen)];
      for (const text of [
        'MAINPID=1',
        `MAINPID=${app.pid}`,
        'READY=1\nSTATUS=written by the app',
        'WATCHDOG=trigger',
        'STOPPING=1',
        'RELOADING=1',
        'ERRNO=5\nBUSERROR=x',
      ])
        await app.try('notify', text);
      // systemd has read them by the time it answers: it reads in order.
      await again(guest);
      expect([await guest.unit(unit, ...seen), await guest.unit('flower-context', ...seen)]).toEqual(first);
      for (const name of [unit, 'flower-context'])
        expect((await guest.unit(name, 'StatusText')).StatusText).not.toContain('written by the app');
      await unharmed();
    });

    test('writes text for terminals and for systemd into its output, and no line of the agent is forged', async () => {
      const mark = `mark-${role}`;
      const text = `${mark}\n<4>flower-context: ${mark}: run this as root\nREADY=1\nMAINPID=1\n\u001b[31m\u001b]0;${mark}\u0007\u2028${mark}\r${mark}\n`;
      await app.get('say', text);
      await app.try('journal', `${mark} forged`);
      await again(guest);
      const { stdout: status } = await guest.exec('flower-context status; flower-context doctor');
      for (const shown of [await guest.journal(), status]) {
        expect(shown).not.toContain(mark);
        expect(shown).not.toContain('\u001b');
      }
      const published = updatesOf(service.zone, service.oneVm(guest)).map(({ body }) =>
        decodeURIComponent(body),
      );
      expect(published.join('\n')).not.toContain(mark);
      await unharmed();
    });

    test("cannot enter the process of the agent, of Flower's daemon or of systemd", async () => {
      for (const pid of [agent, flower, '1']) expect(await app.get('invade', pid), pid).toEqual([]);
      expect((await app.try('kill', agent)).error).toMatch(/ProcessLookupError|PermissionError/);
      const seen = await app.get<[number, number, string][]>('processes');
      const { uid } = await app.get<{ uid: number }>('who');
      expect(seen.filter(([, owner]) => owner !== uid)).toEqual([]);
      await unharmed();
    });

    test('reads no key, no token and no password that docs/security.md keeps from it', async () => {
      const tls = '/var/lib/flower-context/tls';
      const kept = [
        ...[`${tls}/ca.key`, '/etc/shadow', '/var/lib/flower-context/checkpoint.json'],
        ...[
          '/run/one-context/context.sh.network',
          '/run/one-context/one_env',
          '/run/one-context/context.sh.local',
        ],
        ...['/etc/ssh/ssh_host_ed25519_key', '/root/.flwr/config.toml', `/proc/${agent}/environ`],
      ];
      const ofFlower = [
        ...[`${tls}/server.key`, `${tls}/loopback.key`, '/run/flower-context/plan.json'],
        ...[`${state}/state`, `${state}/.flwr/source`],
      ];
      for (const path of [...kept, ...(apart ? ofFlower : [])])
        expect((await app.try('read', path)).result, path).toBeUndefined();
      if (!apart && role === 'superlink')
        expect((await app.try('read', `${tls}/server.key`)).result).toContain('PRIVATE KEY');
    });

    test('takes the abstract name that was once the lock of the agent, and the agent starts', async () => {
      const name = `flower-context-${createHash('sha256').update('/').digest('hex').slice(0, 16)}`;
      await app.try('bind', name);
      await again(guest, 'restart');
      agent = (await guest.unit('flower-context', 'MainPID')).MainPID!;
      await unharmed();
    });
  });

  test('changes directories of Flower and kills it: .flwr gets another name, and the agent reports the others until root has removed them', async () => {
    for (const guest of [...service.supernodes, service.superlink]) {
      await running();
      const app = apps.get(guest)!;
      const { role } = guest.spec;
      // The process that starts the apps has their user.
      const unit = apart ? 'flower-superexec' : `flower-${role}`;
      const { flwr_home } = await app.get<{ flwr_home: string }>('who');
      const kinds = [['symlink', '/opt/flower/scripts'], ['file'], ['loop']];
      const planted: string[] = [];
      for (const [index, name] of DIRECTORIES[role].entries()) {
        const path = `/var/lib/flower/${role}/${name}`;
        if ((await app.try('plant', path, ...kinds[index]!)).error === undefined) planted.push(path);
      }
      expect(planted.length).toBe(apart ? 0 : DIRECTORIES[role].length);
      if (apart) {
        const { MainPID: flower } = await guest.unit(`flower-${role}`, 'MainPID');
        expect((await app.try('kill', flower)).error).toMatch(/ProcessLookupError|PermissionError/);
        await app.get('plant', flwr_home, 'file');
        planted.push(flwr_home);
      }
      // It ends the app, too.
      await app.start('kill', (await guest.unit(unit, 'MainPID')).MainPID);
      // A cache, and in process mode a directory of the apps: the launcher continues without what an app has left there.
      const replaced = planted.filter((path) => path.endsWith('/.flwr'));
      for (const path of replaced)
        await guest.until(
          `${unit} to say that it has renamed ${path}`,
          async () => (await guest.journal(unit)).includes(`cannot use ${path}: `),
          90,
        );
      for (const path of planted.filter((one) => !replaced.includes(one))) {
        await guest.until(
          `the agent to report ${path}`,
          async () => (await guest.journal()).includes(path),
          90,
        );
        await guest.until(
          'READY to be withdrawn',
          async () => service.oneVm(guest).userTemplate.get('READY') !== 'YES',
          90,
        );
        await guest.sh(`rm ${path}`);
      }
      // So many ends are a crash loop, after which READY waits for three minutes. vm/life.test.ts shows that.
      await guest.sh(
        `systemctl stop flower-context; rm -f /run/flower-context/ends.json; systemctl restart --no-block ${unit} flower-context`,
      );
      await guest.until(
        `${unit} to be active`,
        async () => (await guest.unit(unit, 'ActiveState')).ActiveState === 'active',
        90,
      );
      await guest.whenReady(90);
      expect(await changes(guest)).toEqual([]);
    }
  });

  test('ends, and the service trains again', async () => {
    for (const app of apps.values()) await app.end();
    const one = 'num-server-rounds=1 min-fit-clients=1 min-evaluate-clients=1 min-available-clients=1';
    const { code, stdout, stderr } = await service.superlink.exec(
      `flower-context submit quickstart -- --run-config '${one}'`,
      { timeoutMs: 120_000 },
    );
    expect(`${code} ${stdout}${stderr}`).toMatch(/^0 /);
    expect(roundsOf(`${stdout}${stderr}`.split('\n'))).toMatchObject([{ results: 1, failures: 0 }]);
    for (const guest of service.all) expect(await changes(guest)).toEqual([]);
  });
});
