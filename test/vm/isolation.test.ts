// FL_ISOLATION=process with real systemd: what the code of an app may do on both roles.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';
import { roundsOf } from '../support/zone/training.ts';

const PROCESS = { FL_ISOLATION: 'process' };

/** What the app does besides training: it tries to leave its sandbox, and writes what it found into its own directory. */
const ATTEMPTS = `
def attempts():
    import json, os, pathlib, signal, socket
    found = {"uid": os.getuid(), "groups": os.getgroups(), "environment": dict(os.environ)}
    def attempt(name, call):
        try:
            found[name] = repr(call())[:200]
        except BaseException as error:
            found[name] = type(error).__name__
    for path in PATHS:
        attempt("read " + path, lambda: os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(64))
        attempt("write " + path, lambda: open(path + ".x", "w"))
    for pid in PIDS:
        attempt(f"memory {pid}", lambda: open(f"/proc/{pid}/mem", "rb").read(1))
        attempt(f"kill {pid}", lambda: os.kill(pid, signal.SIGTERM))
        attempt(f"files {pid}", lambda: os.listdir(f"/proc/{pid}/fd"))
    attempt("files of SuperExec", lambda: os.listdir(f"/proc/{os.getppid()}/fd"))
    attempt("memory of SuperExec", lambda: open(f"/proc/{os.getppid()}/mem", "rb").read(1))
    attempt("D-Bus", lambda: socket.socket(socket.AF_UNIX).connect("/run/dbus/system_bus_socket"))
    attempt("systemd", lambda: socket.socket(socket.AF_UNIX).connect("/run/systemd/private"))
    found["run"] = sorted(str(path) for path in pathlib.Path("/run").glob("*/*"))
    pathlib.Path(os.environ["HOME"], "attempts.json").write_text(json.dumps(found))
attempts()
`;

const PATHS = [
  '/var/lib/flower-context',
  '/var/lib/flower-context/tls/ca.key',
  '/var/lib/flower-context/tls/server.key',
  '/var/lib/flower',
  '/run/flower-context',
  '/run/flower-context/plan.json',
  '/run/flower-context/superexec-secret',
  '/run/flower-context/superexec/plan.json',
  '/etc/flower-context/appliance.json',
  '/etc/shadow',
  '/opt/flower/envs',
];

describe('an app in process mode, as containers', () => {
  let service: GuestService;
  const found = new Map<Guest, Record<string, unknown>>();
  const pids = new Map<Guest, number[]>();

  beforeAll(async () => {
    service = new GuestService({
      make: container,
      supernodes: 1,
      superlink: {
        ...PROCESS,
        FL_NUM_ROUNDS: '1',
        FL_MIN_AVAILABLE_CLIENTS: '1',
        FL_MIN_FIT_CLIENTS: '1',
        FL_MIN_EVALUATE_CLIENTS: '1',
      },
      supernode: PROCESS,
    });
    await service.up();
    for (const guest of service.all) {
      // Not SuperExec: it has the user of the app, which can end it.
      const units = [`flower-${guest.spec.role}`, 'flower-context'];
      pids.set(
        guest,
        await Promise.all(units.map(async (unit) => Number((await guest.unit(unit, 'MainPID')).MainPID))),
      );
    }
    const { superlink } = service;
    await superlink.sh('cp -r /usr/share/flower-context/apps/quickstart /root/app');
    for (const guest of service.all) {
      const file = guest === superlink ? 'server_app.py' : 'client_app.py';
      const known = JSON.stringify([1, ...pids.get(guest)!]);
      const code = `PATHS = ${JSON.stringify(PATHS)}\nPIDS = ${known}\n${ATTEMPTS}`;
      await superlink.sh(`cat >>/root/app/quickstart/${file}`, { stdin: code });
    }
    const {
      code: status,
      stdout,
      stderr,
    } = await superlink.exec('flower-context submit /root/app', {
      timeoutMs: 120_000,
    });
    expect(`${status} ${stdout}${stderr}`).toMatch(/^0 /);
    expect(roundsOf(`${stdout}${stderr}`.split('\n'))).toMatchObject([{ results: 1, failures: 0 }]);
    for (const guest of service.all) {
      const text = await guest.sh('cat /var/lib/flower-app/attempts.json');
      found.set(guest, JSON.parse(text) as Record<string, unknown>);
    }
  });
  afterAll(() => service?.stop());

  test('runs as flower-app, which is in no group of Flower, on both roles', async () => {
    expect([...found.keys()].map(({ spec }) => spec.role).sort()).toEqual(['superlink', 'supernode']);
    for (const [guest, { uid, groups }] of found) {
      expect(uid).toBe(Number(await guest.sh('id -u flower-app')));
      const group = async (name: string) => Number((await guest.sh(`getent group ${name}`)).split(':')[2]);
      expect(groups).toContain(await group('flower-data'));
      expect(groups).not.toContain(await group('flower'));
    }
  });

  test('reads no key, directory, secret or file of Flower and the agent, and writes nowhere', () => {
    for (const [, all] of found)
      for (const path of PATHS) {
        const open = ['/run/flower-context/superexec/plan.json', '/opt/flower/envs', '/run/flower-context'];
        if (!open.includes(path))
          expect(all[`read ${path}`], path).toMatch(/^(PermissionError|FileNotFoundError)$/);
        expect(all[`write ${path}`], path).toMatch(/^(PermissionError|FileNotFoundError|OSError)$/);
      }
  });

  test('sees of /run only its plan, the socket for notifications, and no service', () => {
    for (const [, all] of found) {
      expect(all['read /run/flower-context']).toBe("['superexec']");
      expect(all['D-Bus']).toBe('FileNotFoundError');
      expect(all.systemd).toBe('FileNotFoundError');
      // systemd mounts `incoming` into each namespace; it is empty.
      const known =
        /^\/run\/(flower-context\/superexec|systemd\/(notify|incoming|resolve)|nvidia-persistenced)\b/;
      expect((all.run as string[]).filter((path) => !known.test(path))).toEqual([]);
    }
  });

  test('reaches neither the memory nor the files of Flower, the agent or SuperExec, and ends none of them', async () => {
    for (const [guest, all] of found) {
      const [flower, agent] = pids.get(guest)!;
      for (const pid of [flower, agent])
        for (const attempt of ['memory', 'kill', 'files'])
          expect(all[`${attempt} ${pid}`], `${attempt} on ${guest.spec.role}`).toMatch(
            /^(PermissionError|FileNotFoundError|ProcessLookupError)$/,
          );
      for (const attempt of ['memory of SuperExec', 'files of SuperExec'])
        expect(all[attempt]).toMatch(/^(PermissionError|FileNotFoundError)$/);
      for (const [index, unit] of [`flower-${guest.spec.role}`, 'flower-context'].entries())
        expect(Number((await guest.unit(unit, 'MainPID')).MainPID)).toBe(pids.get(guest)![index]);
    }
  });

  test('finds the secret in no environment and no argument', async () => {
    for (const [guest, all] of found) {
      const secret = await guest.sh('cat /run/flower-context/superexec-secret');
      expect(secret).toMatch(/^[0-9a-f]{64}$/);
      expect(await guest.sh('stat -c "%a %U %G" /run/flower-context/superexec-secret')).toBe(
        '640 root flower',
      );
      expect(JSON.stringify(all)).not.toContain(secret);
      const everywhere = 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; journalctl -b -o cat';
      expect((await guest.exec(everywhere)).stdout.includes(secret)).toBe(false);
    }
  });

  test('another program without the secret gets no task from Flower', async () => {
    const { superlink } = service;
    const asks = `/opt/flower/baked/bin/python - <<'EOF'
import httpx, ssl
context = ssl.create_default_context(cafile="/run/flower-context/superexec/ca.pem")
from flwr.proto.runtime_pb2 import AcquireTaskRequest
from flwr.supercore.protobuf.constants import PROTOBUF_MEDIA_TYPE
request = AcquireTaskRequest(supported_task_types=["flwr-serverapp"]).SerializeToString()
headers = {"content-type": PROTOBUF_MEDIA_TYPE, "accept": PROTOBUF_MEDIA_TYPE}
print(httpx.post("https://127.0.0.1:9093/v1/runtime/acquire-task", content=request, headers=headers, verify=context).status_code)
EOF`;
    expect((await superlink.exec(asks)).stdout.trim()).toBe('401');
  });

  test('reads the data of the site', async () => {
    const [node] = service.supernodes;
    const pid = (await node!.unit('flower-superexec', 'MainPID')).MainPID;
    await node!.sh('umask 027 && echo 1,2 >/opt/flower/data/samples.csv');
    const inside = (script: string) =>
      node!.exec(
        `nsenter -t ${pid} -m setpriv --reuid=flower-app --regid=flower-app --init-groups sh -c '${script}'`,
      );
    expect(await inside('cat /opt/flower/data/samples.csv')).toMatchObject({ code: 0, stdout: '1,2\n' });
    expect((await inside('touch /opt/flower/data/x')).code).not.toBe(0);
  });

  test('a stop of Flower stops SuperExec and its apps', async () => {
    const { superlink } = service;
    await superlink.sh('systemctl stop flower-superlink');
    await superlink.until('SuperExec to end', async () => {
      const { ActiveState } = await superlink.unit('flower-superexec', 'ActiveState');
      return ActiveState === 'inactive';
    });
    expect((await superlink.exec('pgrep -u flower-app')).code).toBe(1);
  });
});
