// What an app can reach from inside Flower's units, what limits it, and which programs still work there.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sandboxSettings } from '../../src/host/unit-file.ts';
import type { Guest } from '../support/vm/guest.ts';
import { FRAMEWORK } from '../support/vm/images.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';

const PYTHON = '/opt/flower/baked/bin/python';

/** Connects to every socket below /run, /dev and /tmp; prints those that accept. */
const CONNECT = `
import os, socket, stat
for top in ("/run", "/var/run", "/dev", "/tmp", "/var/tmp"):
    for folder, _, files in os.walk(top + "/"):
        for path in (os.path.join(folder, name) for name in files):
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                continue
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
                with socket.socket(socket.AF_UNIX, kind) as one:
                    try:
                        one.connect(path)
                    except OSError:
                        continue
                    print(os.path.realpath(path))
`;

/** Threads, processes, shared memory and generated code: what machine learning libraries use. */
const COMPUTE = `
import ctypes, mmap, multiprocessing, os, tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import shared_memory
import numpy as np

def work(n):
    a = np.random.default_rng(n).random((200, 200))
    return float(np.linalg.norm(a @ a.T))

if __name__ == "__main__":
    expected = [work(n) for n in range(4)]
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            assert list(pool.map(work, range(4))) == expected, method
        with context.Manager() as manager:
            assert manager.list([1])[0] == 1
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == expected
    memory = shared_memory.SharedMemory(create=True, size=1 << 20)
    np.ndarray((1 << 17,), buffer=memory.buf)[:] = 1
    memory.close(), memory.unlink()
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex("b82a000000c3"))
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    assert call() == 42
    with tempfile.TemporaryDirectory() as folder:
        open(os.path.join(folder, "x"), "w").close()
    try:
        import sklearn
    except ImportError:
        print("computed")
    else:
        from joblib import Parallel, delayed
        from sklearn.datasets import make_classification
        from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
        from sklearn.model_selection import cross_val_score
        x, y = make_classification(400, random_state=0)
        assert Parallel(n_jobs=2)(delayed(work)(n) for n in range(4)) == expected
        for backend in (2, -1):
            RandomForestClassifier(20, n_jobs=backend).fit(x, y)
        assert cross_val_score(HistGradientBoostingClassifier(), x, y, cv=2, n_jobs=2).mean() > 0.7
        print("computed with scikit-learn", sklearn.__version__)
`;

describe('an app in the units of Flower', () => {
  let service: GuestService;
  beforeAll(async () => {
    service = new GuestService({ make: container, supernodes: 1 });
    await service.up();
  });
  afterAll(() => service?.stop());

  const guests = (): (readonly [Guest, string])[] => [
    [service.superlink, 'flower-superlink'],
    [service.supernodes[0]!, 'flower-supernode'],
  ];
  const both = async (check: (guest: Guest, unit: string) => Promise<void>): Promise<void> => {
    for (const [guest, unit] of guests()) await check(guest, unit);
  };

  /** Runs a command as user flower with the files that Flower's unit sees. */
  async function inside(guest: Guest, unit: string, command: string, stdin = '') {
    const pid = (await guest.unit(unit, 'MainPID')).MainPID;
    const asFlower = 'setpriv --reuid=flower --regid=flower --clear-groups --inh-caps=-all';
    return guest.exec(`nsenter -t ${pid} -m ${asFlower} ${command}`, { stdin });
  }

  /** Runs a program of Flower's Python with all settings of its unit, also the filter of system calls. */
  async function inUnit(guest: Guest, unit: string, program: string) {
    const settings = sandboxSettings(await guest.sh(`systemctl cat ${unit}`));
    const properties = settings.map((setting) => `'--property=${setting}'`).join(' ');
    await guest.sh(`cat > /opt/flower/program.py`, { stdin: program });
    return guest.exec(
      `systemd-run --quiet --collect --wait --pipe ${properties} ${PYTHON} /opt/flower/program.py`,
      { timeoutMs: 300_000 },
    );
  }

  test('reaches the sockets of systemd and of its journal for messages, and no other', () =>
    both(async (guest, unit) => {
      const { stdout, stderr } = await inside(guest, unit, 'python3 -', CONNECT);
      expect(stderr).toBe('');
      const reached = [...new Set(stdout.split('\n').filter(Boolean))].sort();
      expect(reached).toEqual(
        ['/run/systemd/journal/dev-log', '/run/systemd/journal/socket', '/run/systemd/notify'].sort(),
      );
    }));

  test.each([
    'loginctl enable-linger',
    'systemd-run --user --wait true',
    'systemd-run --wait true',
    'systemctl --user status',
    'systemctl restart flower-context',
    'busctl --system list',
    'busctl --system --address=unix:path=/var/run/dbus/system_bus_socket list',
  ])('cannot ask systemd: %s', (command) =>
    both(async (guest, unit) => {
      expect((await guest.exec('test -S /run/dbus/system_bus_socket')).code).toBe(0);
      expect((await inside(guest, unit, command)).code).not.toBe(0);
    }),
  );

  test('does not see the disc of the CONTEXT', () =>
    both(async (guest, unit) => {
      // A container has a folder instead of a disc, and others can read it.
      await guest.sh('setpriv --reuid=65534 --regid=65534 --clear-groups test -r /context/context.sh');
      for (const one of [unit, 'flower-superexec']) {
        const { code, stderr } = await inUnit(guest, one, 'open("/context/context.sh")');
        expect({ code, denied: stderr.includes('PermissionError') }, one).toEqual({ code: 1, denied: true });
      }
    }));

  test('has no home from which a user manager takes units', () =>
    both(async (guest, unit) => {
      expect(await guest.sh('getent passwd flower')).toMatch(/:\/nonexistent:\/usr\/sbin\/nologin$/);
      const pid = (await guest.unit(unit, 'MainPID')).MainPID;
      const home = await guest.sh(`tr '\\0' '\\n' </proc/${pid}/environ | grep ^HOME= || true`);
      expect(home).not.toMatch(/^HOME=\/(root|home)/);
      expect((await guest.exec('test -e /var/lib/systemd/linger/flower')).code).not.toBe(0);
    }));

  test('sees new name servers, and the files that the agent replaces', () =>
    both(async (guest, unit) => {
      // By systemd-resolved, and by a program that writes /etc/resolv.conf itself.
      for (const file of ['/run/systemd/resolve/stub-resolv.conf', '/etc/resolv.conf']) {
        await guest.sh(
          `cd $(dirname ${file}); echo "search changed.example" >>.new; mv .new $(basename ${file})`,
        );
        expect((await inside(guest, unit, `cat ${file}`)).stdout).toBe('search changed.example\n');
      }
      await guest.sh('cd /run/flower-context; echo replaced >.test; mv .test test');
      expect((await inside(guest, unit, 'cat /run/flower-context/test')).stdout).toBe('replaced\n');
      await guest.sh('cd /run/flower-context; echo again >.test; mv .test test');
      expect((await inside(guest, unit, 'cat /run/flower-context/test')).stdout).toBe('again\n');
    }));

  test('can notify systemd also after it was executed again', async () => {
    await guests()[0]![0].sh('systemctl daemon-reexec');
    const { stdout } = await inside(...guests()[0]!, 'python3 -', CONNECT);
    expect(stdout).toContain('/run/systemd/notify');
  });

  test('is limited in memory, tasks, files and /dev/shm', () =>
    both(async (guest, unit) => {
      const limits = await guest.unit(
        unit,
        ...['MemoryMax', 'TasksMax', 'LimitFSIZE', 'LimitCORE', 'OOMPolicy', 'Slice'],
      );
      expect(limits).toMatchObject({ OOMPolicy: 'continue', LimitCORE: '0', Slice: 'flower.slice' });
      // All units of Flower together have one limit for memory and one for tasks, and no smaller one of their own.
      expect(limits).toMatchObject({ MemoryMax: 'infinity', TasksMax: 'infinity' });
      expect(limits.LimitFSIZE).toMatch(/^\d+$/);
      const slice = await guest.unit('flower.slice', 'MemoryMax', 'TasksMax');
      for (const limit of Object.values(slice)) expect(limit).toMatch(/^\d+$/);
      const memory = Number(await guest.sh("awk '/MemTotal/ { print $2 * 1024 }' /proc/meminfo"));
      expect(Number(slice.MemoryMax)).toBeLessThan(0.9 * memory);
      const { stdout } = await inside(guest, unit, 'stat -f -c "%b %S" /dev/shm');
      const [blocks, size] = stdout.split(' ').map(Number);
      expect(blocks! * size!).toBeLessThan(0.5 * memory);
      await inside(guest, unit, 'touch /dev/shm/own');
      expect((await guest.exec('test -e /dev/shm/own')).code).not.toBe(0);
      expect((await inside(guest, unit, 'touch /run/x')).code).not.toBe(0);
    }));

  test('leaves the agent its memory: it is ended last', () =>
    both(async (guest) => {
      const { OOMScoreAdjust, MemoryMin, ControlGroup } = await guest.unit(
        'flower-context',
        ...['OOMScoreAdjust', 'MemoryMin', 'ControlGroup'],
      );
      expect({ OOMScoreAdjust, ControlGroup }).toEqual({
        OOMScoreAdjust: '-900',
        ControlGroup: '/flower-context.service',
      });
      expect(Number(MemoryMin)).toBeGreaterThan(64 * 1024 * 1024);
    }));

  test(`computes in threads, processes and generated code (framework: ${FRAMEWORK})`, () =>
    both(async (guest, unit) => {
      const { code, stdout, stderr } = await inUnit(guest, unit, COMPUTE);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(FRAMEWORK === 'sklearn' ? /^computed with scikit-learn/ : /^computed/);
    }));
});

describe('flower-context boot, typed by root', () => {
  let service: GuestService;
  let guest: Guest;
  /** Shows the limits of the process that the command becomes, and waits for a signal if asked. */
  const WRAPPER = `#!/bin/sh
if [ -n "$FLOWER_CONTEXT_SANDBOX" ]; then
  grep -E '^(NoNewPrivs|Seccomp|CapEff):' /proc/self/status
  touch /etc/x || echo 'no files' >&2
  [ "$2" = --fresh ] && exit 7
  echo waiting
  trap 'echo interrupted; exit 1' INT
  while :; do sleep 0.1; done
fi
exec /usr/bin/flower-context.real "$@"
`;
  beforeAll(async () => {
    service = new GuestService({ make: container, supernodes: 0 });
    await service.up();
    guest = service.superlink;
  });
  afterAll(() => service?.stop());

  test('says what the agent says and ends with its status', async () => {
    const { code, stderr } = await guest.exec('flower-context boot');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^agent_running:/);
    await guest.sh('systemctl stop flower-context');
    const { code: second, stdout } = await guest.exec('flower-context boot --fresh');
    expect({ second, said: /ready after/.test(stdout) }).toEqual({ second: 0, said: true });
    await guest.sh('systemctl start flower-context');
  });

  test('has the sandbox of the unit, and Ctrl-C ends it', async () => {
    await guest.sh('mv /usr/bin/flower-context /usr/bin/flower-context.real');
    await guest.sh('cat >/usr/bin/flower-context; chmod 755 /usr/bin/flower-context', { stdin: WRAPPER });
    const { code, stdout, stderr } = await guest.exec('flower-context boot --fresh');
    expect({ code, stderr: /no files/.test(stderr) }).toEqual({ code: 7, stderr: true });
    expect(stdout).toMatch(/NoNewPrivs:\t1\n/);
    expect(stdout).toMatch(/Seccomp:\t2\n/);
    expect(Number.parseInt(/CapEff:\t(\w+)/.exec(stdout)![1]!, 16)).toBeLessThan(0x1000);
    const interrupted = await guest.exec(
      `flower-context boot >/tmp/said & command=$!
       until grep -q waiting /tmp/said; do sleep 0.1; done
       kill -INT $(pgrep -f '[f]lower-context.cjs boot'); wait $command; echo "status $?"; cat /tmp/said`,
    );
    expect(interrupted.stdout).toMatch(/^status 1\n[\s\S]*interrupted\n$/);
    expect(await guest.sh("systemctl list-units --all --no-legend 'flower-context-command*'")).toBe('');
    await guest.sh('mv /usr/bin/flower-context.real /usr/bin/flower-context');
  });
});
