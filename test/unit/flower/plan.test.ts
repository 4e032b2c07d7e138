import { describe, expect, it } from 'vitest';
import { checkpointDirectory, directoriesFlowerNeeds } from '../../../src/flower/directories.ts';
import { keepaliveOptions } from '../../../src/flower/keepalive.ts';
import { formatPlan, launchPlan, launchPlanSchema } from '../../../src/flower/plan.ts';
import type { SuperLinkSettings, SuperNodeSettings } from '../../../src/flower/settings.ts';
import { pathsUnder } from '../../../src/host/paths.ts';

const paths = pathsUnder('/vm');
const files = (name: string) => ({
  certificate: `/tls/${name}.pem`,
  key: `/tls/${name}.key`,
  ca: `/tls/${name}-ca.pem`,
});
const superlink: SuperLinkSettings = {
  role: 'superlink',
  FL_LOG_LEVEL: 'WARNING',
  FL_ISOLATION: 'subprocess',
  FL_GRPC_KEEPALIVE_TIME: 60,
  FL_GRPC_KEEPALIVE_TIMEOUT: 20,
  FL_FLEET_API_ADDRESS: { host: '0.0.0.0', port: 9092 },
  FL_CONTROL_API_ADDRESS: { host: '127.0.0.1', port: 9093 },
  FL_DATABASE: 'state/state.db',
  FL_CHECKPOINT_ENABLED: true,
  FL_CHECKPOINT_PATH: 'checkpoints',
};
const supernode: SuperNodeSettings = {
  role: 'supernode',
  FL_LOG_LEVEL: 'INFO',
  FL_ISOLATION: 'process',
  FL_GRPC_KEEPALIVE_TIME: 60,
  FL_GRPC_KEEPALIVE_TIMEOUT: 20,
  FL_MAX_RETRIES: 0,
  FL_MAX_WAIT_TIME: 0,
};
const both = {
  version: '1.39.0',
  environment: '/vm/opt/flower/envs/1.39.0-none',
  paths,
  loopback: '127.9.9.9',
};
const linkFacts = { ...both, tls: { own: files('own'), operator: null } };
const nodeFacts = {
  ...both,
  superlink: { host: 'fd00::5', port: 9092 },
  ca: '/tls/superlink-ca.pem',
  nodeConfig: '/run/node-config.toml',
};
const text = (argv: readonly string[]): string => argv.join(' ');

describe("a SuperLink's launch plan", () => {
  it('has the certificates, the database under the state directory and the isolation on the command line', () => {
    const plan = launchPlan(superlink, linkFacts);
    expect(text(plan.argv)).toContain(
      '--ssl-certfile /tls/own.pem --ssl-keyfile /tls/own.key --ssl-ca-certfile /tls/own-ca.pem',
    );
    expect(text(plan.argv)).toContain('--database /vm/var/lib/flower/superlink/state/state.db');
    expect(text(plan.argv)).toContain('--isolation subprocess');
    expect(text(plan.argv)).not.toContain('secret');
    expect(plan.program).toBe('flower-superlink');
  });

  it('uses plaintext only when the settings ask for it, and then passes --insecure to Flower', () => {
    expect(launchPlan(superlink, { ...linkFacts, tls: null }).argv[0]).toBe('--insecure');
    expect(launchPlan(superlink, linkFacts).argv).not.toContain('--insecure');
  });

  it("shows the operator's certificate on the Fleet listener only", () => {
    const plan = launchPlan(superlink, {
      ...linkFacts,
      tls: { own: files('own'), operator: files('operator') },
    });
    expect(plan.fleet).toEqual({ listen: '0.0.0.0:9092', credentials: files('operator') });
    expect(text(plan.argv)).not.toContain('operator');
    expect(launchPlan(superlink, linkFacts).fleet!.credentials).toBeNull();
  });

  it("binds local listeners to the appliance's loopback address, and others to the address of the operator", () => {
    expect(text(launchPlan(superlink, linkFacts).argv)).toContain('--host 127.9.9.9 --port 9093');
    const wide = { ...superlink, FL_CONTROL_API_ADDRESS: { host: '10.0.0.1', port: 9000 } };
    expect(text(launchPlan(wide, linkFacts).argv)).toContain('--host 10.0.0.1 --port 9000');
    expect(text(launchPlan(wide, { ...linkFacts, version: '1.31.0' }).argv)).toContain(
      '--control-api-address 10.0.0.1:9000 --serverappio-api-address 127.9.9.9:9091',
    );
  });

  it('gives the server its options and the client none', () => {
    const { options: grpc } = launchPlan(superlink, linkFacts);
    expect(grpc.server).toEqual(keepaliveOptions(superlink, 'grpc').server);
    expect(grpc.client).toEqual([]);
  });
});

describe("a SuperLink's launch plan for Flower over HTTP", () => {
  it("opens Flower's listener at the Control API, and leaves the Fleet API to the launcher", () => {
    const plan = launchPlan(superlink, { ...linkFacts, version: '1.42.0' });
    expect(plan.transport).toBe('http');
    expect(text(plan.argv)).toContain('--host 127.9.9.9 --port 9093');
    expect(text(plan.argv)).not.toMatch(/--(fleet|control|serverappio)-api/);
    expect(plan.fleet).toMatchObject({ listen: '0.0.0.0:9092', largest_body: 256 * 1024 * 1024 });
    expect(plan.options.server).toEqual(keepaliveOptions(superlink, 'http').server);
  });

  it('has no limit for bodies where the listener is that of Flower', () => {
    expect(launchPlan(superlink, linkFacts).fleet).not.toHaveProperty('largest_body');
  });
});

describe("a SuperNode's launch plan", () => {
  it('has the CA, the address of the SuperLink and the path of the node config', () => {
    const plan = launchPlan(supernode, nodeFacts);
    expect(text(plan.argv)).toContain('--root-certificates /tls/superlink-ca.pem --superlink [fd00::5]:9092');
    expect(text(plan.argv)).toContain('--node-config /run/node-config.toml');
    expect(plan.fleet).toBeNull();
    expect(plan.options.server).toEqual([]);
    expect(plan.options.client).toEqual(keepaliveOptions(supernode, 'grpc').client);
  });

  it('is plaintext without a CA', () => {
    const { argv } = launchPlan(supernode, { ...nodeFacts, ca: null });
    expect(argv).toContain('--insecure');
    expect(argv).not.toContain('--root-certificates');
  });

  it('leaves out a limit of 0, which Flower would take as "do not retry"', () => {
    expect(text(launchPlan(supernode, nodeFacts).argv)).not.toMatch(/--max-/);
    const limited = { ...supernode, FL_MAX_RETRIES: 7, FL_MAX_WAIT_TIME: 90 };
    expect(text(launchPlan(limited, nodeFacts).argv)).toContain('--max-retries 7 --max-wait-time 90');
  });

  it('names the listener of its child processes as each range of versions wants it', () => {
    expect(text(launchPlan(supernode, nodeFacts).argv)).toContain('--host 127.9.9.9 --port 9094');
    const old = launchPlan(supernode, { ...nodeFacts, version: '1.34.0' });
    expect(text(old.argv)).toContain('--clientappio-api-address 127.9.9.9:9094');
  });

  it('hides GPUs only when asked to', () => {
    expect(launchPlan(supernode, nodeFacts).environment).not.toHaveProperty('CUDA_VISIBLE_DEVICES');
    const some = launchPlan(supernode, { ...nodeFacts, cudaVisibleDevices: '0,2' });
    expect(some.environment.CUDA_VISIBLE_DEVICES).toBe('0,2');
  });
});

describe('any launch plan', () => {
  const plans = [launchPlan(superlink, linkFacts), launchPlan(supernode, nodeFacts)];

  it('disables telemetry, updates and installations of Flower at run time', () => {
    for (const { environment } of plans) {
      expect(environment).toMatchObject({
        FLWR_TELEMETRY_ENABLED: '0',
        FLWR_DISABLE_UPDATE_CHECK: '1',
        FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION: '1',
      });
    }
  });

  it('lets SuperExec look for tasks twice a second, where Flower has a setting for it', () => {
    const interval = (version: string): (string | undefined)[] =>
      [
        launchPlan(superlink, { ...linkFacts, version }),
        launchPlan(supernode, { ...nodeFacts, version }),
      ].map(({ environment }) => environment['FLWR_SUPEREXEC_TASK_POLL_INTERVAL']);
    for (const version of ['1.36.0', '1.39.0', '1.42.0']) expect(interval(version)).toEqual(['0.5', '0.5']);
    expect(interval('1.34.0')).toEqual([undefined, undefined]);
  });

  it("has the path of Flower's child processes, and nothing of the agent's own environment", () => {
    for (const { environment } of plans) {
      expect(environment.PATH).toMatch(/^\/vm\/opt\/flower\/envs\/1\.39\.0-none\/bin:/);
      expect(environment).not.toHaveProperty('NODE_OPTIONS');
    }
    expect(plans[0]!.environment).toMatchObject({
      HOME: '/vm/var/lib/flower/superlink',
      FLWR_HOME: '/vm/var/lib/flower/superlink/.flwr',
      FLWR_LOG_LEVEL: 'WARNING',
    });
  });

  it('is valid by its schema and deterministic, and the schema refuses unknown members', () => {
    for (const plan of plans) {
      expect(launchPlanSchema.parse(JSON.parse(formatPlan(plan)))).toEqual(plan);
      expect(launchPlanSchema.safeParse({ ...plan, shell: 'x' }).success).toBe(false);
    }
    expect(formatPlan(launchPlan(superlink, linkFacts))).toBe(formatPlan(plans[0]!));
  });
});

describe('keepalive options', () => {
  it('are the documented ones, in milliseconds', () => {
    const { client, server } = keepaliveOptions(
      {
        FL_GRPC_KEEPALIVE_TIME: 60,
        FL_GRPC_KEEPALIVE_TIMEOUT: 20,
      },
      'grpc',
    );
    expect(Object.fromEntries(client)).toEqual({
      'grpc.keepalive_time_ms': 60_000,
      'grpc.keepalive_timeout_ms': 20_000,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.http2.max_pings_without_data': 0,
      'grpc.max_reconnect_backoff_ms': 10_000,
    });
    expect(Object.fromEntries(server)).toEqual({
      'grpc.keepalive_time_ms': 60_000,
      'grpc.keepalive_timeout_ms': 20_000,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.http2.max_pings_without_data': 0,
      'grpc.http2.min_recv_ping_interval_without_data_ms': 30_000,
      'grpc.http2.max_ping_strikes': 0,
    });
  });

  it('never let a client ping more often than the server allows, whatever the interval', () => {
    for (let time = 2; time <= 600; time++) {
      const { client, server } = keepaliveOptions(
        {
          FL_GRPC_KEEPALIVE_TIME: time,
          FL_GRPC_KEEPALIVE_TIMEOUT: 1,
        },
        'grpc',
      );
      const minimum = new Map(server).get('grpc.http2.min_recv_ping_interval_without_data_ms')!;
      expect(new Map(client).get('grpc.keepalive_time_ms')).toBeGreaterThanOrEqual(minimum);
      expect(Number.isInteger(minimum)).toBe(true);
    }
  });
});

describe('the directories Flower needs', () => {
  it('hold the database and the checkpoints, parents first', () => {
    const config = {
      role: 'superlink',
      FL_DATABASE: 'a/b/state.db',
      FL_CHECKPOINT_ENABLED: true,
      FL_CHECKPOINT_PATH: 'checkpoints',
      FL_ISOLATION: 'subprocess',
    } as const;
    expect(
      directoriesFlowerNeeds(paths, config).map((path) => path.replace('/vm/var/lib/flower/', '')),
    ).toEqual(['superlink/.flwr', 'superlink/a', 'superlink/a/b', 'superlink/checkpoints']);
    expect(directoriesFlowerNeeds(paths, { ...config, FL_CHECKPOINT_ENABLED: false }).join()).not.toContain(
      'checkpoints',
    );
    expect(directoriesFlowerNeeds(paths, { role: 'supernode' })).toEqual([
      '/vm/var/lib/flower/supernode/.flwr',
    ]);
  });

  it('read the old absolute checkpoint path as the default', () => {
    const at = (path: string): string =>
      checkpointDirectory(paths, { FL_CHECKPOINT_PATH: path, FL_ISOLATION: 'subprocess' });
    expect(at('/app/checkpoints')).toBe(at('checkpoints'));
  });

  it('hold no checkpoints in process mode: ServerApps have another user', () => {
    const config = { FL_CHECKPOINT_PATH: 'models', FL_ISOLATION: 'process' } as const;
    expect(checkpointDirectory(paths, config)).toBe('/vm/var/lib/flower-app/models');
    const all = { ...config, role: 'superlink', FL_DATABASE: 'db', FL_CHECKPOINT_ENABLED: true } as const;
    expect(directoriesFlowerNeeds(paths, all).join()).not.toContain('models');
  });
});
