import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { superLinkEndpoints, superNodeEndpoints } from '../../../src/flower/endpoints.ts';
import { launchPlan } from '../../../src/flower/plan.ts';
import { superExecPlan, superExecPlanSchema } from '../../../src/flower/superexec.ts';
import {
  ensureSecret,
  removeSuperExec,
  superExecFiles,
  writeSuperExec,
} from '../../../src/flower/superexec-files.ts';
import { pathsUnder } from '../../../src/host/paths.ts';

const files = (name: string) => ({ certificate: `/${name}.pem`, key: `/${name}.key`, ca: `/${name}-ca.pem` });
const both = {
  FL_LOG_LEVEL: 'DEBUG',
  FL_ISOLATION: 'process',
  FL_GRPC_KEEPALIVE_TIME: 60,
  FL_GRPC_KEEPALIVE_TIMEOUT: 20,
} as const;

function superlink(version: string, { tls = true, control = '127.0.0.1' } = {}) {
  const facts = {
    version,
    environment: `/vm/opt/flower/envs/${version}-none`,
    paths: pathsUnder('/vm'),
    loopback: '127.9.9.9',
    tls: tls ? { own: files('own'), operator: files('operator') } : null,
  };
  const config = {
    ...both,
    role: 'superlink',
    FL_FLEET_API_ADDRESS: { host: '0.0.0.0', port: 9092 },
    FL_CONTROL_API_ADDRESS: { host: control, port: 9093 },
    FL_DATABASE: 'state.db',
    FL_CHECKPOINT_ENABLED: true,
    FL_CHECKPOINT_PATH: 'checkpoints',
  } as const;
  const plan = launchPlan(config, facts);
  const endpoints = superLinkEndpoints(config, facts, { host: '192.0.2.1', port: 9092 });
  return { plan, superexec: superExecPlan(plan, endpoints, facts, '/vm/var/lib/flower-app/checkpoints') };
}

function supernode(version: string) {
  const facts = {
    version,
    environment: `/vm/opt/flower/envs/${version}-none`,
    paths: pathsUnder('/vm'),
    loopback: '127.0.0.1',
    superlink: { host: '192.0.2.1', port: 9092 },
    ca: '/superlink-ca.pem',
    nodeConfig: '/node-config.toml',
    cudaVisibleDevices: '1',
  };
  const config = { ...both, role: 'supernode', FL_MAX_RETRIES: 0, FL_MAX_WAIT_TIME: 0 } as const;
  const plan = launchPlan(config, facts);
  return { plan, superexec: superExecPlan(plan, superNodeEndpoints(facts), facts) };
}

describe("SuperExec's plan", () => {
  it.each([
    ['1.31.0', '--insecure --appio-api-address 127.9.9.9:9091 --plugin-type serverapp'],
    ['1.35.0', '--insecure --appio-api-address 127.9.9.9:9091 --plugin-type serverapp'],
    [
      '1.39.0',
      '--root-certificates /vm/run/flower-context/superexec/ca.pem --runtime-api-address 127.9.9.9:9093 --plugin-type serverapp',
    ],
  ])('on a SuperLink with Flower %s', (version, argv) => {
    expect(superlink(version).superexec.argv.join(' ')).toBe(argv);
  });

  it.each([
    ['1.34.0', '--insecure --appio-api-address 127.0.0.1:9094 --plugin-type clientapp'],
    ['1.37.0', '--insecure --runtime-api-address 127.0.0.1:9094 --plugin-type clientapp'],
  ])(
    'on a SuperNode with Flower %s: plaintext on loopback, also when the Fleet API uses TLS',
    (version, argv) => {
      expect(supernode(version).superexec.argv.join(' ')).toBe(argv);
    },
  );

  it("looks for tasks as often as Flower's own SuperExec", () => {
    const name = 'FLWR_SUPEREXEC_TASK_POLL_INTERVAL';
    for (const { superexec } of [superlink('1.42.0'), supernode('1.42.0')])
      expect(superexec.environment[name]).toBe('0.5');
    expect(superlink('1.34.0').superexec.environment).not.toHaveProperty(name);
  });

  it('dials loopback where the API listens on all addresses, and is plaintext without TLS', () => {
    const { argv, api } = superlink('1.39.0', { control: '0.0.0.0', tls: false }).superexec;
    expect(argv[0]).toBe('--insecure');
    expect(api).toBe('127.9.9.9:9093');
    expect(argv).toContain(api);
  });

  it('has the environment of Flower, with the home of the apps', () => {
    const { plan, superexec } = supernode('1.39.0');
    expect(superexec.environment).toEqual({
      ...plan.environment,
      HOME: '/vm/var/lib/flower-app',
      FLWR_HOME: '/vm/var/lib/flower-app/.flwr',
    });
    expect(superexec.environment).toMatchObject({ CUDA_VISIBLE_DEVICES: '1', FLWR_LOG_LEVEL: 'DEBUG' });
    expect(superExecPlanSchema.parse(superexec)).toEqual(superexec);
  });

  it('names no secret: only Flower gets the path of the file', () => {
    for (const { plan, superexec } of [superlink('1.39.0'), supernode('1.31.0')]) {
      expect(plan.argv.join(' ')).toContain(
        '--isolation process --superexec-auth-secret-file /vm/run/flower-context/superexec-secret',
      );
      expect(JSON.stringify(superexec)).not.toContain('secret');
      expect(JSON.stringify(superexec)).not.toMatch(/\.key|var\/lib\/flower[/"]|flower-context\/tls/);
    }
  });
});

function folder() {
  const root = mkdtempSync(join(tmpdir(), 'superexec-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const paths = pathsUnder(root);
  mkdirSync(paths.run, { recursive: true });
  return paths;
}

describe('the secret', () => {
  const access = { mode: 0o640, durable: false };

  it('has 32 random bytes, stays, and is not for everybody', () => {
    const paths = folder();
    const secret = ensureSecret(paths, access);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(ensureSecret(paths, access)).toBe(secret);
    expect(readFileSync(paths.superexecSecret, 'utf8')).toBe(secret);
    expect(statSync(paths.superexecSecret).mode & 0o777).toBe(0o640);
    expect(ensureSecret(folder(), access)).not.toBe(secret);
  });

  it.each(['', 'short', `${'a'.repeat(64)}\n`])('is made anew when the file holds %j', (content) => {
    const paths = folder();
    writeFileSync(paths.superexecSecret, content);
    expect(ensureSecret(paths, access)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('the files of SuperExec', () => {
  it('are readable by all, and gone after a change to subprocess', () => {
    const paths = folder();
    const { plan, ca, environment } = superExecFiles(paths);
    ensureSecret(paths, { mode: 0o640 });
    writeSuperExec(paths, { text: '{}\n', ca: 'PEM', environment: '/env' });
    expect([plan, ca].map((path) => statSync(path).mode & 0o777)).toEqual([0o644, 0o644]);
    expect(statSync(paths.superexec).mode & 0o777).toBe(0o755);
    writeSuperExec(paths, { text: '{}\n', ca: undefined, environment: '/env' });
    expect(() => statSync(ca)).toThrow();
    removeSuperExec(paths);
    for (const path of [plan, environment, paths.superexecSecret]) expect(() => statSync(path)).toThrow();
  });
});
