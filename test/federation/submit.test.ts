// `flower-context submit` on a real SuperLink: the run's outcome is its own, whatever `flwr run` makes of it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { namesOf, rowOf } from '../../src/config/table.ts';
import { patience } from '../support/load.ts';
import { temporaryFolder, zone } from '../support/zone/test-zone.ts';
import { REPOSITORY, type Vm } from '../support/zone/vm.ts';

/** A ServerApp without clients: it does what its setting says. */
const SERVER = `
import time
from flwr.serverapp import ServerApp
app = ServerApp()

@app.main()
def main(grid, context):
    print("rounds", context.run_config["num-server-rounds"], "in mode", context.run_config["mode"])
    if context.run_config["mode"] == "fail":
        raise RuntimeError("the app was asked to fail")
    while context.run_config["mode"] == "wait":
        time.sleep(0.2)
`;

const declared = (except: readonly string[] = []): string =>
  namesOf('superlink')
    .flatMap((name) => rowOf(name).runConfig ?? [])
    .filter((key) => !except.includes(key))
    .map((key) => `${key} = ""`)
    .join('\n');

function app(config: string): string {
  const folder = join(temporaryFolder(), 'app');
  mkdirSync(join(folder, 'sample_app'), { recursive: true });
  writeFileSync(
    join(folder, 'pyproject.toml'),
    `[project]\nname = "sample-app"\nversion = "1.0.0"\ndescription = ""\nlicense = "Apache-2.0"\n\n[tool.flwr.app]\npublisher = "example"\n\n[tool.flwr.app.components]\nserverapp = "sample_app.server:app"\nclientapp = "sample_app.client:app"\n\n[tool.flwr.app.config]\nmode = "complete"\n${config}\n`,
  );
  writeFileSync(join(folder, 'sample_app/__init__.py'), '');
  writeFileSync(join(folder, 'sample_app/server.py'), SERVER);
  writeFileSync(
    join(folder, 'sample_app/client.py'),
    'from flwr.clientapp import ClientApp\napp = ClientApp()\n',
  );
  return folder;
}

describe.each(['1.39.0', '1.31.0'])('a run on Flower %s', (version) => {
  let vm: Vm;
  beforeAll(async () => {
    const federation = zone(
      { supernodes: 0, net: '127.37', superlink: { FL_NUM_ROUNDS: '7' }, flower: { version } },
      (clean) => {
        cleaning.push(clean);
      },
    );
    await federation.deploy();
    vm = federation.superlink;
    await vm.whenReady(60_000);
    return async () => {
      for (const clean of cleaning.splice(0).reverse()) await clean();
    };
  });
  const cleaning: (() => void | Promise<void>)[] = [];

  test('that is completed ends with 0, and had the settings of the CONTEXT', async () => {
    const { code, stdout, stderr } = await vm.cli('submit', app(declared()));
    expect(`${stdout}${stderr}`).toContain('rounds 7 in mode complete');
    expect(stdout).toMatch(/^run \d+: completed after [\d.]+ s$/m);
    expect(code).toBe(0);
  });

  // covers run_failed
  test('that fails ends with 1, although `flwr run --stream` ends with 0', async () => {
    const { code, stderr } = await vm.cli(
      'submit',
      app(declared()),
      '--',
      '--run-config',
      'mode="fail" num-server-rounds=9',
    );
    expect(stderr).toMatch(
      /^run_failed: following run \d+: finished:failed[\s\S]*the app was asked to fail/m,
    );
    expect(code).toBe(1);
  });

  test('that needs a SuperNode, with none in the service: submit says so, and --timeout ends it', async () => {
    const rounds = join(REPOSITORY, 'test/support/rounds-app');
    const seconds = String(Math.ceil(patience(20_000) / 1_000));
    const { code, stderr } = await vm.cli('submit', '--declared-only', '--timeout', seconds, rounds);
    expect(stderr).toMatch(/^waiting for SuperNodes: 0 of \d online\n {2}the service has no SuperNode VM$/m);
    expect(stderr).toContain('run_timed_out');
    expect(code).toBe(5);
  });

  // covers app_lacks_settings
  test('of an app that does not declare all settings is refused with the lines to add', async () => {
    const lacking = app(declared(['strategy', 'trim-beta']));
    const refused = await vm.cli('submit', lacking);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('app_lacks_settings');
    expect(refused.stderr).toMatch(/\[tool\.flwr\.app\.config\]:\n +strategy = "FedAvg"\n +trim-beta = 0\.2/);
  });
});
