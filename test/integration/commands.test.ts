// The commands that people use away from a VM, and on one, through the agent as it ships.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { type FlowerEndpoints, writeEndpoints } from '../../src/flower/endpoints.ts';
import { pathsUnder } from '../../src/host/paths.ts';
import { issueCa } from '../../src/tls/issue.ts';
import { oneLine, tooWide } from '../support/terminal-text.ts';
import { type Outcome, run, until } from '../support/zone/process.ts';
import { temporaryFolder } from '../support/zone/test-zone.ts';
import { NODE, REPOSITORY, SHIPPED } from '../support/zone/vm.ts';

/** Messages on standard error are one line each, however the terminal breaks them. */
async function agent(...args: string[]): Promise<Outcome> {
  const outcome = await run(NODE, [SHIPPED, ...args]);
  return { ...outcome, stderr: outcome.stderr.replaceAll(/\n +/g, ' ') };
}

describe('template and lint', () => {
  test.each([
    ['single-site'],
    ['coordinator', '--all-inputs'],
    ['training-site', '--one', '7'],
    ['single-site', '--one', '7', '--all-inputs'],
  ])('a printed template of %s %s %s has no finding', async (topology, ...options) => {
    const file = join(temporaryFolder(), 'template.json');
    const printed = await agent('template', topology, ...options);
    expect(printed.code).toBe(0);
    writeFileSync(file, printed.stdout);
    expect(await agent('lint', file)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no findings'),
    });
  });

  test('prints the committed template when no option is given', async () => {
    const { stdout } = await agent('template', 'single-site');
    expect(stdout).toBe(readFileSync(join(REPOSITORY, 'appliance/oneflow/single-site.json'), 'utf8'));
  });

  test('applies the options: ids, counts, values, the network', async () => {
    const options = [
      '--superlink-template',
      '12',
      '--supernode-template',
      '13',
      '--supernodes',
      '4..20',
      '--set',
      'FL_NUM_ROUNDS=9',
      '--set',
      'FL_PROXIMAL_MU=0.5',
      '--set',
      'FL_STRATEGY=FedProx',
      '--network',
      'training',
    ];
    const { stdout, stderr } = await agent('template', 'single-site', ...options);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout).roles).toMatchObject([
      {
        vm_template: 12,
        vm_template_contents: expect.stringMatching(
          /^FL_PROXIMAL_MU="0.5"\nNIC=\[\n {2}NETWORK="training" \]$/m,
        ),
      },
      { vm_template: 13, cardinality: 4, min_vms: 4, max_vms: 20 },
    ]);
    expect(JSON.parse(stdout).custom_attrs).toMatchObject({
      FL_NUM_ROUNDS: 'O|number|Number of federated learning rounds||9',
    });
  });

  test('prints answers with a value for each question', async () => {
    const { stdout } = await agent('template', 'single-site', '--set', 'FL_NUM_ROUNDS=9', '--answers');
    const committed = JSON.parse(
      readFileSync(join(REPOSITORY, 'appliance/oneflow/single-site.json'), 'utf8'),
    );
    const values = JSON.parse(stdout).custom_attrs_values;
    expect(Object.keys(values)).toEqual(Object.keys(committed.custom_attrs));
    expect(values).toMatchObject({ FL_NUM_ROUNDS: '9', FL_STRATEGY: 'FedAvg' });
  });

  test('refuses answers that the form does not ask for', async () => {
    const refused = await agent('template', 'single-site', '--set', 'FL_MAX_RETRIES=3', '--answers');
    expect(refused).toMatchObject({ code: 64, stdout: '' });
    expect(refused.stderr).toContain('--all-inputs');
    const whole = await agent(
      'template',
      'single-site',
      '--set',
      'FL_MAX_RETRIES=3',
      '--answers',
      '--all-inputs',
    );
    expect(JSON.parse(whole.stdout).custom_attrs_values).toMatchObject({ FL_MAX_RETRIES: '3' });
    const { stderr } = await agent('template', 'training-site', '--answers');
    expect(stderr).toContain('fill in FL_SUPERLINK_ADDRESS and FL_SSL_CA_CERTFILE');
  });

  test('refuses a CA that the agent would refuse', async () => {
    const { certPem } = issueCa({ now: new Date('2001-01-01'), commonName: 'old' });
    const printed = await agent('template', 'training-site', '--set', `FL_SSL_CA_CERTFILE=${certPem}`);
    expect(printed).toMatchObject({ stdout: '' });
    expect(printed.stderr).toMatch(/expired/);
  });

  test('reports all wrong values at once and prints no template', async () => {
    const { code, stdout, stderr } = await agent(
      'template',
      'single-site',
      '--set',
      'FL_NUM_ROUNDS=ten',
      '--set',
      'FL_STRATEGY=best',
      '--set',
      'FLOWER_VERSION=9',
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.match(/^config_validation_failed: setting \w+/gm)).toHaveLength(3);
  });

  test('refuses counts for which a run would wait without end', async () => {
    const { code, stdout, stderr } = await agent('template', 'single-site', '--supernodes', '1');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('too_few_supernodes');
  });

  test.each([
    [['template', 'other-site'], "unknown kind of template 'other-site'"],
    [['template', 'single-site', '--supernodes', '5..3'], '--supernodes takes'],
    [['template', 'single-site', '--set', 'FL_NUM_ROUNDS'], '--set takes VAR=VALUE'],
    [['template', 'coordinator', '--supernodes', '3'], 'a coordinator template has no SuperNodes'],
    [['lint', 'nowhere.json'], 'there is no file nowhere.json'],
    [['completion', 'fish'], "there is no completion for 'fish'"],
    [['install', '--root', '/nowhere'], '/nowhere/etc/flower-context/appliance.json does not exist'],
  ])('%j is a usage error', async (args, message) => {
    const { code, stderr } = await agent(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(64);
  });

  test('reports five mistakes as five findings, as text and as JSON', async () => {
    const template = JSON.parse(readFileSync(join(REPOSITORY, 'appliance/oneflow/single-site.json'), 'utf8'));
    template.ready_status_gate = false;
    template.deployment = 'none';
    template.roles[0].max_vms = 3;
    template.roles[0].vm_template_contents = template.roles[0].vm_template_contents.replace(
      'FL_NUM_ROUNDS="$FL_NUM_ROUNDS"\n',
      '',
    );
    template.roles[1].cooldown = 5;
    const file = join(temporaryFolder(), 'template.json');
    writeFileSync(file, JSON.stringify(template, null, 2));
    const text = await agent('lint', file);
    expect(text.code).toBe(1);
    expect(text.stdout.match(/^\S+template\.json: (error|warning): \w+/gm)).toHaveLength(5);
    expect(text.stdout).toContain('5 findings\n');
    const { findings } = JSON.parse((await agent('lint', '--json', file)).stdout);
    expect(
      findings.map(({ code, fix }: { code: string; fix: { line: string } }) => `${code} ${fix.line}`),
    ).toEqual([
      'gate_off "ready_status_gate": true',
      'deployment_not_straight "deployment": "straight"',
      'superlink_count "max_vms": 1',
      'input_not_mapped FL_NUM_ROUNDS=\\"$FL_NUM_ROUNDS\\"\\n',
      'cooldown_short "cooldown": 300',
    ]);
  });
});

describe('ca', () => {
  const pair = issueCa({ now: new Date(), commonName: 'flower-context CA test' });
  function machine(): string {
    const root = temporaryFolder();
    mkdirSync(join(root, 'var/lib/flower-context/tls'), { recursive: true });
    writeFileSync(join(root, 'var/lib/flower-context/tls/ca.pem'), pair.certPem);
    return root;
  }

  test('names the CA, its dates and its fingerprint as openssl prints it', async () => {
    const root = machine();
    const { stdout } = await agent('ca', '--root', root);
    const openssl = await run('openssl', [
      'x509',
      '-noout',
      '-fingerprint',
      '-sha256',
      '-in',
      join(root, 'var/lib/flower-context/tls/ca.pem'),
    ]);
    expect(stdout).toContain(`fingerprint  SHA-256 ${openssl.stdout.trim().split('=')[1]}`);
    expect(stdout).toContain('CN=flower-context CA test');
    expect(stdout).toMatch(/valid +\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d \(\d+ days left\)/);
  });

  test('prints the certificate in base64 as one line', async () => {
    const { stdout } = await agent('ca', '--root', machine(), '--base64');
    expect(stdout).toMatch(/^[A-Za-z0-9+/]+=*\n$/);
    expect(Buffer.from(stdout, 'base64').toString()).toBe(pair.certPem);
  });

  test('reports a missing CA', async () => {
    expect(await agent('ca', '--root', temporaryFolder())).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('no CA yet'),
    });
  });
});

describe('completion of bash', () => {
  /** What TAB offers behind these words. */
  async function offers(...words: string[]): Promise<string[]> {
    const { stdout: script } = await agent('completion', 'bash');
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const asked = `${script}\nCOMP_WORDS=(flower-context ${quoted}); COMP_CWORD=${words.length}; _flower_context; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run('bash', ['--norc', '-c', asked]);
    return stdout.trim().split('\n');
  }

  test('completes commands, options, choices and variables', async () => {
    expect(await offers('te')).toEqual(['template']);
    expect(await offers('template', 's')).toEqual(['single-site']);
    expect(await offers('template', '--superl')).toEqual(['--superlink-template']);
    expect(await offers('template', 'single-site', '--one', '')).toEqual(['6', '7']);
    expect(await offers('template', 'single-site', '--set', 'FL_STR')).toEqual(['FL_STRATEGY=']);
    expect(await offers('--root', '/tmp', 'stat')).toEqual(['status']);
    expect(await offers('submit', 'qui')).toEqual(['quickstart']);
    expect(await offers('submit', 'exam')).toEqual(['examples']);
  });
});

describe('every command', () => {
  test('has a help page with its usage and at least one example', async () => {
    const { stdout } = await agent('--help');
    const names = [...stdout.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, name]) => name!);
    expect(names).toEqual(expect.arrayContaining(['run', 'template', 'lint', 'submit', 'ca', 'completion']));
    expect(tooWide(stdout)).toEqual([]);
    for (const name of names) {
      const help = await agent(name, '--help');
      expect(help.code).toBe(0);
      expect(help.stdout).toContain(`usage: flower-context ${name}`);
      expect(help.stdout).toMatch(/examples:\n {2}# \S/);
      expect(tooWide(help.stdout)).toEqual([]);
    }
  });

  test('is in a group of the overview', async () => {
    const { stdout } = await agent('--help');
    const [service, operate, author, other] = stdout
      .split(/^\S.*:$/m)
      .slice(1)
      .map((group) => [...group.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name));
    expect(service).toEqual(['run', 'boot', 'ready', 'reread']);
    const wanted = ['status', 'doctor', 'explain', 'apply', 'ca', 'submit', 'install', 'backup', 'restore'];
    expect(operate).toEqual(wanted);
    expect(author).toEqual(['validate', 'plan', 'context', 'template', 'lint', 'probe']);
    expect(other).toEqual(['completion', 'version']);
  });

  test('is suggested for a mistyped one', async () => {
    expect(await agent('statsu')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("unknown command 'statsu'; did you mean status?"),
    });
    expect((await agent('xyzzy')).stderr).not.toContain('did you mean');
  });
});

describe('colour', () => {
  const PTY = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const explain = ['explain', 'clock_off'];
  const onTerminal = (env: NodeJS.ProcessEnv) =>
    run(process.env['PYTHON'] ?? 'python3', ['-c', PTY, NODE, SHIPPED, ...explain], {
      env: { ...process.env, NO_COLOR: '', ...env },
    });

  test('is for a terminal', async () => {
    const { stdout } = await onTerminal({});
    expect(stdout).toContain('\u001b[33mclock_off\u001b[39m');
    expect(stdout).toContain('\u001b[1mWhat to do\u001b[22m');
  });

  test('is not printed with NO_COLOR or into a pipe', async () => {
    const { stdout } = await onTerminal({ NO_COLOR: '1' });
    expect(stdout).toContain('clock_off');
    expect(stdout + (await agent(...explain)).stdout).not.toContain('\u001b');
  });
});

describe('plan', () => {
  test.each([
    ['10.0.0.5', '10.0.0.5:9092'],
    // The tests' own build of the agent takes it; no VM has it.
    ['127.10.1.2', '<the address of this VM>'],
  ])('of a NIC with %s makes SuperNodes dial %s', async (ip, endpoint) => {
    const file = join(temporaryFolder(), 'context.sh');
    writeFileSync(file, `ETH0_IP='${ip}'\n`);
    const { stdout } = await agent('plan', file, '--role', 'superlink', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ endpoint });
  });
});

test('validate outside a VM checks ML_FRAMEWORK against the image of the release, and never downloads', async () => {
  const file = join(temporaryFolder(), 'context.sh');
  writeFileSync(file, "ML_FRAMEWORK='pytorch'\nFL_USE_CASE='none'\n");
  for (const role of ['superlink', 'supernode']) {
    const { code, stdout } = await agent('validate', file, '--role', role);
    expect(code).toBe(0);
    expect(oneLine(stdout)).toMatch(
      /^warning: ML_FRAMEWORK: 'pytorch', and the image has .* downloads 3\.1 GB/m,
    );
  }
});

describe('submit', () => {
  /** A SuperLink VM with a stub of `flwr` that runs the given script. */
  function superlink(flwr: string): { root: string; app: string } {
    const root = temporaryFolder();
    const env = join(root, 'opt/env');
    mkdirSync(join(env, 'bin'), { recursive: true });
    mkdirSync(join(root, 'run/flower-context'), { recursive: true });
    symlinkSync(env, join(root, 'run/flower-context/env'));
    writeFileSync(join(env, 'bin/python'), `#!/bin/sh\nexec '${process.env['PYTHON'] ?? 'python3'}' "$@"\n`, {
      mode: 0o755,
    });
    writeFileSync(join(env, 'bin/flwr'), `#!/bin/bash\n${flwr}\n`, { mode: 0o755 });
    const control = { host: '0.0.0.0', port: 9093 };
    const endpoints: FlowerEndpoints = {
      version: 1,
      role: 'superlink',
      flower_version: BAKED_FLOWER,
      endpoint: { host: '10.0.0.5', port: 9092 },
      listeners: { fleet: { host: '0.0.0.0', port: 9092 }, control, runtime: control },
      tls: null,
    };
    writeEndpoints(pathsUnder(root), endpoints);
    writeFileSync(
      join(root, 'run/flower-context/run-config.toml'),
      'num-server-rounds = 3\nstrategy = "FedAvg"\n',
    );
    const app = join(root, 'app');
    mkdirSync(app);
    writeFileSync(
      join(app, 'pyproject.toml'),
      '[tool.flwr.app.config]\nnum-server-rounds = 1\nstrategy = "x"\n',
    );
    return { root, app };
  }
  const STARTED = 'echo "Successfully started run 42"';
  const listed = (status: string): string =>
    `echo '{"runs":[{"run-id":"42","status":"${status}","status-details":"why","elapsed":1.5}]}'`;

  test('passes the settings, the address of this VM and the arguments after --', async () => {
    const { root, app } = superlink(
      `case $1 in run) ${STARTED}; echo "$@"; cat "\${@: -1}" "$FLWR_HOME/config.toml";; list) ${listed('finished:completed')};; esac`,
    );
    const { code, stdout } = await agent(
      'submit',
      '--root',
      root,
      app,
      '--',
      '--federation',
      '@none/x',
      '-c',
      'num-server-rounds=8',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^run ${app} this-vm --stream --federation @none/x --run-config \\S+\\.toml$`, 'm'),
    );
    expect(stdout).toContain('num-server-rounds = 8\nstrategy = "FedAvg"\n');
    expect(stdout).toContain('address = "127.0.0.1:9093"\ninsecure = true\n');
    expect(stdout).toMatch(/run 42: completed after 1\.5 s\n$/);
  });

  test('opens a stream again that broke before the run ended', async () => {
    const { root, app } = superlink(
      `case $1 in run) ${STARTED};; log) echo "following again"; touch "$FLWR_HOME/done";; list) if [ -e "$FLWR_HOME/done" ]; then ${listed('finished:completed')}; else ${listed('running')}; fi;; esac`,
    );
    const { code, stdout } = await agent('submit', '--root', root, app);
    expect(stdout).toContain('following again');
    expect(code).toBe(0);
  });

  test('finds an app of the image by its name, unless a folder with that name exists here', async () => {
    const { root } = superlink(
      `case $1 in run) echo "run $2"; ${STARTED};; list) ${listed('finished:completed')};; esac`,
    );
    const apps = join(root, 'usr/share/flower-context/apps');
    mkdirSync(apps, { recursive: true });
    symlinkSync(join(REPOSITORY, 'examples/quickstart'), join(apps, 'quickstart'));
    const named = await agent('submit', '--root', root, '--declared-only', 'quickstart');
    expect(named.stdout).toContain(`run ${join(apps, 'quickstart')}`);
    const unknown = await agent('submit', '--root', root, 'quick');
    expect(unknown).toMatchObject({ code: 64 });
    expect(unknown.stderr).toContain('there is no folder quick; apps of this image: quickstart');
    const path = await agent('submit', '--root', root, './quickstart');
    expect(path.stderr).toContain('there is no folder ./quickstart');
    // The tests run in the repository, which has a folder of this name.
    const folder = await agent('submit', '--root', root, 'examples');
    expect(folder.stderr).toContain('examples is not a Flower app: ');
  });

  test('ends with 1 when somebody stopped the run', async () => {
    const { root, app } = superlink(
      `case $1 in run) ${STARTED};; list) ${listed('finished:stopped')};; esac`,
    );
    expect(await agent('submit', '--root', root, app)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('finished:stopped after 1.5 s: why'),
    });
  });

  // covers run_not_started
  test('ends with 1 when Flower does not accept the run', async () => {
    const { root, app } = superlink('echo "no such federation" >&2; exit 1');
    const { code, stderr } = await agent('submit', '--root', root, app);
    expect(stderr).toContain('no such federation');
    expect(stderr).toContain('run_not_started');
    expect(code).toBe(1);
  });

  test('does not stop the run at Ctrl-C, and prints how to follow and to stop it', async () => {
    const { root, app } = superlink(`case $1 in run) ${STARTED}; sleep 60;; esac`);
    const child = spawn(NODE, [SHIPPED, 'submit', '--root', root, app], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('the run to begin', () => said.includes('started run 42'));
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(said).toMatch(
      /run 42 continues\.\n {2}follow it: FLWR_HOME=\S+ \S+flwr log 42 this-vm --stream\n {2}stop it: .* stop 42 this-vm/,
    );
    expect(code).toBe(3);
  });

  test.each([
    [['--', '--format', 'json'], '--format cannot be passed on'],
    [['--', '--run-config', 'mine.toml'], 'takes single settings here'],
  ])('refuses %j', async (rest, message) => {
    const { root, app } = superlink('exit 1');
    expect(await agent('submit', '--root', root, app, ...rest)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining(message),
    });
  });

  test('requires a SuperLink that has booted', async () => {
    const { app } = superlink('exit 1');
    expect(await agent('submit', '--root', temporaryFolder(), app)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('not ready'),
    });
  });
});

describe('away from a VM', () => {
  test.each([['status'], ['status', '--wait'], ['ready'], ['install']])(
    '%s %s says so at once',
    async (...args) => {
      const { code, stderr } = await agent(...args, '--root', temporaryFolder());
      expect({ code, stderr }).toMatchObject({
        code: 64,
        stderr: expect.stringContaining('not made of an image of flower-context'),
      });
    },
  );

  test('probe accepts the CA as base64, and reports a file without one', async () => {
    const { certPem, keyPem } = issueCa({ now: new Date(), commonName: 'a CA' });
    const file = join(temporaryFolder(), 'ca');
    const probe = (): Promise<{ code: number; stderr: string }> =>
      agent('probe', '127.0.0.1:1', '--ca', file);
    writeFileSync(file, Buffer.from(certPem).toString('base64'));
    expect(await probe()).toMatchObject({ code: 1 });
    for (const [text, why] of [
      [keyPem, 'it holds a private key'],
      ['', 'neither PEM nor'],
    ] as const) {
      writeFileSync(file, text);
      expect(await probe()).toMatchObject({ code: 64, stderr: expect.stringContaining(why) });
    }
  });

  test.each([['lint'], ['validate', '--role', 'superlink']])(
    '%s of a folder reports that it is a folder',
    async (...args) => {
      const folder = temporaryFolder();
      expect(await agent(...args, folder)).toMatchObject({
        code: 64,
        stderr: expect.stringContaining(`${folder} cannot be read`),
      });
    },
  );
});

describe('a OneGate that cannot be used', () => {
  const CASES = [
    ['a token with a blank', { ONEGATE_ENDPOINT: 'http://10.0.0.9:5030', ONEGATE_TOKEN: 'a b' }, 'TOKEN'],
    [
      'an endpoint of another kind',
      { ONEGATE_ENDPOINT: 'ftp://10.0.0.9', ONEGATE_TOKEN: 'YQ==' },
      'ONEGATE_ENDPOINT',
    ],
  ] as const;

  test.each(CASES)(
    '%s is reported by boot and validate, with all other errors',
    async (_, access, variable) => {
      const root = temporaryFolder();
      const paths = pathsUnder(root);
      const context = { TOKEN: 'YES', VMID: '7', ...access, FL_NUM_ROUNDS: 'many' };
      const text = Object.entries(context).map(([name, value]) => `${name}='${value}'\n`);
      for (const [path, content] of [
        [paths.contextFiles[0], text.join('')],
        [
          paths.appliance,
          JSON.stringify({ role: 'superlink', flower: { version: BAKED_FLOWER, framework: 'none' } }),
        ],
      ] as const) {
        mkdirSync(join(path, '..'), { recursive: true });
        writeFileSync(path, content);
      }
      const validated = await agent('validate', '--json', '--root', root);
      expect(validated.code).toBe(2);
      const variables = (JSON.parse(validated.stdout) as { variable: string }[]).map((one) => one.variable);
      expect(variables).toEqual(expect.arrayContaining([variable, 'FL_NUM_ROUNDS']));

      const boot = await agent('boot', '--root', root);
      expect(boot).toMatchObject({ code: 2, stderr: '' });
      const status = JSON.parse(readFileSync(paths.status, 'utf8')) as { problems: { variable: string }[] };
      expect(status.problems.map((one) => one.variable).sort()).toEqual(variables.sort());
      expect(JSON.parse(readFileSync(paths.ready, 'utf8'))).toMatchObject({ verdict: 'failed' });
    },
  );
});

/** The Node.js of the machine: the README promises that the commands of a checkout run on 20 and later. */
const installed = (process.env.PATH ?? '')
  .split(':')
  .filter((folder) => !folder.includes('node_modules'))
  .map((folder) => join(folder, 'node'))
  .find((path) => existsSync(path));
const other =
  installed === undefined ? '' : spawnSync(installed, ['--version'], { encoding: 'utf8' }).stdout.trim();

test.skipIf(!/^v2[0-3]\./.test(other))(`commands run on the Node.js of the machine (${other})`, async () => {
  const root = temporaryFolder();
  for (const args of [
    ['--help'],
    ['template', 'single-site'],
    ['lint', join(REPOSITORY, 'appliance/oneflow/single-site.json')],
    [
      'validate',
      join(REPOSITORY, 'test/support/context-samples/superlink-defaults.sh'),
      '--role',
      'superlink',
    ],
    ['doctor', '--root', root],
  ]) {
    const { stderr, stdout } = await run(installed!, [SHIPPED, ...args]);
    expect(`${stdout}${stderr}`, args.join(' ')).not.toMatch(/TypeError|SyntaxError|is not a function/);
  }
});
