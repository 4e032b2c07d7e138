// `flower-context submit` as root types it: Flower's command, which imports the package of the app, has no rights.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Guest } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';

const PYPROJECT = `[project]
name = "sample-app"
version = "1.0.0"
description = ""
license = "Apache-2.0"

[tool.flwr.app]
publisher = "example"

[tool.flwr.app.components]
serverapp = "sample_app.server:app"
clientapp = "sample_app.client:app"

[tool.flwr.app.config]
mode = "complete"
`;

const SERVER = `
import time
from flwr.serverapp import ServerApp
app = ServerApp()

@app.main()
def main(grid, context):
    print("in mode", context.run_config["mode"], flush=True)
    while context.run_config["mode"] == "wait":
        time.sleep(0.2)
`;

/** What the package does where Flower's command imports it, not in the run. */
const PACKAGE = `
import json, os, pathlib, socket, sys
if sys.argv[0].endswith("/flwr"):
    found = {"uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups()}
    status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
    found["capabilities"] = [status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")]
    def attempt(name, call):
        try:
            found[name] = repr(call())[:100]
        except BaseException as error:
            found[name] = type(error).__name__
    for folder in FOLDERS:
        attempt("write " + folder, lambda: open(folder + "/written-by-an-app", "w"))
    for path in FILES:
        attempt("read " + path, lambda: open(path, "rb").read(64))
    for path in ("/run/dbus/system_bus_socket", "/run/systemd/private"):
        attempt("call " + path, lambda: socket.socket(socket.AF_UNIX).connect(path))
    attempt("terminal", lambda: open("/dev/tty"))
    attempt("link", lambda: (pathlib.Path(__file__).parent.parent / "link").read_text())
    print("FOUND " + json.dumps(found), flush=True)
`;

const FOLDERS = [
  '/',
  '/root',
  '/root/app',
  '/root/app/sample_app',
  '/etc',
  '/usr',
  '/opt/flower/envs',
  '/opt/flower/baked/bin',
  '/run',
  '/run/flower-context',
  '/var/lib/flower',
  '/var/lib/flower-context',
];
const FILES = ['/etc/shadow', '/root/secret', '/var/lib/flower-context/tls/ca.key', '/context/context.sh'];

let service: GuestService;
let superlink: Guest;

beforeAll(async () => {
  service = new GuestService({ make: container, supernodes: 0, superlink: {} });
  await service.up();
  superlink = service.superlink;
  await superlink.sh(
    'umask 077 && mkdir -p /root/app/sample_app && echo secret >/root/secret && ln -s /root/secret /root/app/link',
  );
  const package_ = `FOLDERS = ${JSON.stringify(FOLDERS)}\nFILES = ${JSON.stringify(FILES)}\n${PACKAGE}`;
  for (const [name, content] of [
    ['pyproject.toml', PYPROJECT],
    ['sample_app/__init__.py', package_],
    ['sample_app/server.py', SERVER],
    ['sample_app/client.py', 'from flwr.clientapp import ClientApp\napp = ClientApp()\n'],
  ])
    await superlink.sh(`umask 077 && cat >/root/app/${name}`, { stdin: content! });
});
afterAll(() => service?.stop());

const everyFile =
  'find / -xdev \\( -name written-by-an-app -o -path "/root/app/*__pycache__*" \\) 2>/dev/null; ls -A /root/app /root/app/sample_app';

test('the package of an app has no rights while root submits it, and leaves nothing', async () => {
  const before = await superlink.sh(everyFile);
  const { code, stdout, stderr } = await superlink.exec(
    `cd /root && flower-context submit --declared-only ./app -- --run-config 'mode="$HOME %n"'`,
    { timeoutMs: 120_000 },
  );
  expect(`${code} ${stdout}${stderr}`).toMatch(/^0 [\s\S]*run \d+: completed after/);
  expect(stdout).toContain('in mode $HOME %n');
  const found = JSON.parse(/FOUND (\{.*\})/.exec(stdout)![1]!) as Record<string, unknown>;
  for (const user of ['root', 'flower', 'flower-app', 'flower-build', 'nobody'])
    expect(found.uid, user).not.toBe(Number(await superlink.sh(`id -u ${user}`)));
  expect(found.groups).toEqual([found.gid]);
  expect(found.capabilities).toEqual(Array(4).fill('0000000000000000'));
  for (const [name, result] of Object.entries(found))
    if (/^(write|read|call|terminal|link)/.test(name))
      expect(result, name).toMatch(/^(PermissionError|FileNotFoundError|OSError|NotADirectoryError)$/);
  expect(await superlink.sh(everyFile)).toBe(before);
  const units = await superlink.sh('systemctl list-units --all --plain --no-legend "flower-context-submit*"');
  expect(units).toBe('');
});

test('after Ctrl-C the run continues, and what submit prints follows and stops it', async () => {
  // As from a terminal, once the app has said that it runs.
  const { code, stdout, stderr } = await superlink.exec(
    `mkfifo /tmp/out; flower-context submit --declared-only /root/app -- -c 'mode="wait"' >/tmp/out & pid=$!
     while read -r line; do echo "$line"; case $line in *'in mode wait'*) kill -INT $pid ;; esac; done </tmp/out
     wait $pid`,
    { timeoutMs: 120_000 },
  );
  expect(`${code} ${stdout}${stderr}`).toMatch(/^3 [\s\S]*run \d+ continues\./);
  expect(await superlink.sh('systemctl list-units --all --plain --no-legend "flower-context-submit*"')).toBe(
    '',
  );
  const follow = /follow it: (.*)/.exec(stderr)![1]!;
  const stop = /stop it: (.*)/.exec(stderr)![1]!;
  expect((await superlink.exec(`timeout 20 script -qec '${follow}' /dev/null </dev/null`)).stdout).toContain(
    'in mode wait',
  );
  expect((await superlink.exec(`script -qec '${stop}' /dev/null </dev/null`)).stdout).toMatch(/stopped/i);
});

test('--timeout stops the run, and says what its log says about results', async () => {
  const { code, stdout, stderr } = await superlink.exec(
    `flower-context submit --declared-only --timeout 30 /root/app -- -c 'mode="wait"'`,
    { timeoutMs: 180_000 },
  );
  expect(`${code} ${stdout}${stderr}`).toMatch(
    /^5 [\s\S]*run_timed_out: following run \d+: not finished after 30 s; now\s+finished:stopped/,
  );
  const completed = await superlink.exec('flower-context submit --declared-only /root/app', {
    timeoutMs: 120_000,
  });
  expect(completed.code).toBe(0);
  expect(completed.stderr).toContain('its log shows no rounds');
});

test('an app folder that is too large ends with a problem', async () => {
  await superlink.sh(
    'mkdir -p /root/large && cp /root/app/pyproject.toml /root/large && truncate -s 300M /root/large/data',
  );
  const { code, stdout, stderr } = await superlink.exec('flower-context submit --declared-only /root/large', {
    timeoutMs: 120_000,
  });
  expect(code).not.toBe(0);
  expect(`${stdout}${stderr}`).toContain('No space left');
  expect(stderr).toContain('run_not_started');
});
