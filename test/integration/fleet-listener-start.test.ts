// When the launcher does not start a SuperLink over HTTP: its address or its files cannot be used, or Flower is not as this
// package knows it. Its Control API is open to nobody then.
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LaunchPlan } from '../../src/flower/plan.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';
import { FlowerSetup, pki } from '../support/flower-setup.ts';
import { until } from '../support/zone/process.ts';

const LAUNCHER = join(import.meta.dirname, '../../appliance/lib/flower-launch.py');

describe('a SuperLink over HTTP that cannot be started as it should be', () => {
  const net = '127.44.7';
  /** A port of the Control API that no other test uses. */
  const PORT = 20_441;
  let environment: string;
  const setups: FlowerSetup[] = [];
  beforeAll(async () => {
    environment = await flowerEnvironment('1.42.0');
  }, FLOWER_ENV_TIMEOUT_MS);
  afterEach(async () => {
    for (const setup of setups.splice(0)) await setup.clear();
  });

  function superlink(fleet = { host: `${net}.1`, port: 20_440 }): { vm: FlowerSetup; plan: LaunchPlan } {
    const vm = new FlowerSetup('1.42.0', environment);
    setups.push(vm);
    const keys = pki({ ip: [`${net}.1`] });
    const own = vm.credentials('server', keys.server, keys.ca.certPem);
    const plan = vm.superlink({ loopback: `${net}.1`, fleet, tls: { own, operator: null } });
    return { vm, plan: { ...plan, argv: plan.argv.map((word) => (word === '9093' ? String(PORT) : word)) } };
  }

  it.each([`${net}.1`, '0.0.0.0', '::'])(
    'names the address %s of the Fleet API when it is taken, before Flower starts',
    async (host) => {
      const taken = createServer().listen({ host: `${net}.1`, port: 20_440 });
      await until('the listener', () => taken.listening);
      const { vm, plan } = superlink({ host, port: 20_440 });
      const launched = vm.launch(plan);
      expect(await launched.ended).toEqual({ code: 78, signal: null });
      expect(vm.link()!.detail).toBe(
        `cannot open the Fleet API at ${plan.fleet!.listen}: Address already in use`,
      );
      expect(launched.output(), 'Flower was not started').not.toContain('SuperLink');
      taken.close();
    },
  );

  it('names each fault of its plan', async () => {
    const { vm, plan } = superlink();
    const { largest_body: _, ...fleet } = plan.fleet!;
    const options = { server: [['grpc.keepalive_time_ms', 1]] as [string, number][], client: [] };
    const launched = vm.launch({ ...plan, fleet, options });
    expect(await launched.ended).toEqual({ code: 78, signal: null });
    expect(launched.output()).toContain("'fleet.largest_body' is not the number that HTTP needs");
    expect(launched.output()).toContain("'options.server' is not a list of [name, whole number] of http");
  });

  it('names a file that it cannot read, and one that is no certificate', async () => {
    const { vm, plan } = superlink();
    const files = {
      certificate: `${vm.root}/server.pem`,
      key: '/nowhere/server.key',
      ca: `${vm.root}/server-ca.pem`,
    };
    const launched = vm.launch({ ...plan, fleet: { ...plan.fleet!, credentials: files } });
    expect(await launched.ended).toEqual({ code: 78, signal: null });
    expect(vm.link()!.detail).toBe(
      "cannot read the Fleet API's key /nowhere/server.key: No such file or directory",
    );
    const broken = { ...files, key: vm.file('broken.key', 'none') };
    const again = vm.launch({ ...plan, fleet: { ...plan.fleet!, credentials: broken } });
    expect(await again.ended).toEqual({ code: 78, signal: null });
    expect(vm.link()!.detail).toContain(
      `the Fleet API's certificate ${files.certificate} and key ${broken.key}`,
    );
  });

  it.each<[what: string, code: string, message: string, change?: (plan: LaunchPlan) => LaunchPlan]>([
    [
      'listens elsewhere than its arguments say',
      "run = uvicorn.run\nuvicorn.run = lambda app, **k: run(app, **{**k, 'host': '0.0.0.0'})",
      `its HTTP server is for 0.0.0.0:${PORT}, not for ${net}.1:${PORT}`,
    ],
    [
      'listens elsewhere than its settings say',
      `real = uvicorn.Server.startup
async def startup(self, sockets=None):
    if sockets is None: self.config.host = '0.0.0.0'
    await real(self, sockets)
uvicorn.Server.startup = startup`,
      `it wants to listen at 0.0.0.0, port ${PORT}`,
    ],
    [
      'has another HTTP server',
      `import http.server
uvicorn.run = lambda app, **k: http.server.ThreadingHTTPServer(('', k['port']), None).serve_forever()`,
      `it wants to listen at all addresses, port ${PORT}`,
    ],
    [
      'lacks a call of SuperNodes',
      `run = uvicorn.run
def other(app, **k):
    real = app.openapi
    app.openapi = lambda: {'paths': {p: m for p, m in real()['paths'].items() if p != '/v1/fleet/get-fab'}}
    run(app, **k)
uvicorn.run = other`,
      'it has no /v1/fleet/get-fab',
    ],
    [
      'opens another listener besides',
      '',
      'it wants to listen at 0.0.0.0, port 20442',
      (plan) => ({
        ...plan,
        argv: [...plan.argv, '--control-api-address', '0.0.0.0:20442'],
        environment: { ...plan.environment, FLWR_INTERNAL_GRPC_CONTROL_API: '1' },
      }),
    ],
    [
      'has a listener of a library in C',
      `import concurrent.futures, grpc
run = uvicorn.run
def other(app, **k):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor())
    server.add_insecure_port('0.0.0.0:20442')
    server.start()
    run(app, **k)
uvicorn.run = other`,
      'it listens at port 20442 too',
    ],
    [
      'starts a second HTTP server',
      `import asyncio
real = uvicorn.Server.main_loop
async def main_loop(self):
    if self.config.host == '${net}.1' and self.config.uds is None and not getattr(uvicorn, 'again', False):
        uvicorn.again = True
        await uvicorn.Server(uvicorn.Config(self.config.app, host='0.0.0.0', port=20442, lifespan='off')).serve()
    await real(self)
uvicorn.Server.main_loop = main_loop`,
      'a second HTTP server',
    ],
    [
      'has an HTTP server without what is used of it',
      'del uvicorn.Server.main_loop',
      'uvicorn.Server has no main_loop()',
    ],
    [
      'has an HTTP server without a setting that is used',
      `class Config(uvicorn.Config):
    def __init__(self, app, host='', port=0): super().__init__(app, host=host, port=port)
uvicorn.Config = Config`,
      'uvicorn.Config has no access_log,',
    ],
  ])('is not started when Flower %s', async (_what, code, message, change = (plan) => plan) => {
    const { vm, plan } = superlink();
    const script = vm.file(
      'other.py',
      `import runpy, sys, uvicorn\n${code}\nsys.argv[0] = ${JSON.stringify(LAUNCHER)}\nrunpy.run_path(sys.argv[0], run_name='__main__')\n`,
    );
    const launched = vm.launch(change(plan), { script });
    let over = false;
    void launched.ended.then(() => (over = true));
    // Another address of this machine is what others see.
    const seen: number[] = [];
    await until(
      'the end',
      async () => {
        if (await isOpen(`${net}.9`, PORT)) seen.push(PORT);
        return over;
      },
      { timeoutMs: 60_000, everyMs: 5, detail: launched.output },
    );
    expect(await launched.ended, launched.output()).toEqual({ code: 78, signal: null });
    expect(vm.link()!.detail).toContain(`Flower differs from what this package expects of it: ${message}`);
    expect(seen).toEqual([]);
  });
});

const isOpen = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
