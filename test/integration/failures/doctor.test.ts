// flower-context doctor on a healthy federation, and on one with one failure at a time.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { CATALOGUE } from '../../../src/core/catalogue.ts';
import { formatFlowerState } from '../../../src/flower/state-file.ts';
import { issueServer } from '../../../src/tls/issue.ts';
import { tooWide } from '../../support/terminal-text.ts';
import type { Federation } from '../../support/zone/federation.ts';
import { run, until } from '../../support/zone/process.ts';
import { temporaryFolder } from '../../support/zone/test-zone.ts';
import { NODE, SHIPPED, type Vm } from '../../support/zone/vm.ts';
import { zone } from './setup.ts';

const toClean: (() => void | Promise<void>)[] = [];
let federation: Federation;
let superlink: Vm;
let supernode: Vm;

beforeAll(async () => {
  federation = zone({ supernodes: 1 }, (clean) => void toClean.unshift(clean));
  await federation.up();
  superlink = federation.superlink;
  supernode = federation.supernodes[0]!;
}, 120_000);

afterAll(async () => {
  for (const clean of toClean) await clean();
});

/** A check in the JSON of doctor. */
interface Result {
  readonly id: string;
  readonly verdict: string;
  readonly findings: readonly { readonly found: string; readonly remedy?: string; readonly code?: string }[];
}

interface Report {
  readonly problems: number;
  readonly checks: readonly Result[];
}

async function examined(vm: Vm): Promise<{ code: number; report: Report }> {
  const { code, stdout } = await vm.cli('doctor', '--json');
  return { code, report: JSON.parse(stdout) as Report };
}

const check = ({ checks }: Report, id: string): Result => checks.find((one) => one.id === id)!;

/** What a check says now, as one text. */
const said = ({ findings }: Result): string =>
  findings.map(({ found, remedy = '', code = '' }) => `${found} ${remedy} ${code}`).join('\n');

/** The check comes to `verdict` and says `text`; if it is a problem, the exit status is 1. */
async function complains(vm: Vm, id: string, verdict: 'problem' | 'warning', text: RegExp): Promise<void> {
  proves(await examined(vm), id, verdict, text);
}

function proves(
  { code, report }: { readonly code: number; readonly report: Report },
  id: string,
  verdict: 'problem' | 'warning',
  text: RegExp,
): void {
  expect(check(report, id), said(check(report, id))).toMatchObject({ verdict });
  expect(said(check(report, id))).toMatch(text);
  expect(code).toBe(report.problems > 0 ? 1 : 0);
}

/** A file for the length of the test. */
function replace(path: string, text: string): void {
  const before = readFileSync(path);
  const { mode } = statSync(path);
  writeFileSync(path, text);
  onTestFinished(() => writeFileSync(path, before, { mode }));
}

describe('a healthy federation', () => {
  test('has a line for each check, no remedy, and exit status 0 on both sides', async () => {
    for (const vm of [superlink, supernode]) {
      const { code, stdout } = await vm.cli('doctor');
      expect(stdout).not.toMatch(/what to do|PROBLEM|warning/);
      expect(stdout).toMatch(/no problems\n$/);
      expect(tooWide(stdout + (await vm.cli('status')).stdout)).toEqual([]);
      expect(code).toBe(0);
      expect(stdout.match(/^(ok|-) /gm)).toHaveLength(16);
    }
  });

  test('is printed as JSON with the same results', async () => {
    const { report } = await examined(superlink);
    expect(report).toMatchObject({ version: 1, role: 'superlink', problems: 0, warnings: 0 });
    expect(new Set(report.checks.map(({ verdict }) => verdict))).toEqual(new Set(['ok', 'none']));
  });

  test('is not changed by doctor', async () => {
    const folder = superlink.at('var/lib/flower-context');
    const before = readdirSync(folder);
    await superlink.cli('doctor');
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('doctor finds', () => {
  test('a OneGate that is down, and ends in time', async () => {
    await federation.zone.down();
    onTestFinished(() => federation.zone.up());
    await complains(superlink, 'onegate', 'problem', /refused.*systemctl status opennebula-gate/s);
  });

  test('a OneGate that hangs, within 5 s', async () => {
    const outage = federation.zone.faults.add({ kind: 'hang' });
    onTestFinished(() => outage.clear());
    // It never answers: that there is a verdict says that the limit was kept.
    await complains(supernode, 'onegate', 'problem', /no whole answer within 4 s/);
  });

  test('a token that OneGate refuses', async () => {
    const outage = federation.zone.faults.add({ kind: 'status', status: 401, body: 'Not authorized' });
    onTestFinished(() => outage.clear());
    await complains(superlink, 'onegate', 'problem', /401.*oned/s);
  });

  test("a clock that differs from OneGate's", async () => {
    const skew = federation.zone.faults.add({ kind: 'date', skewMs: 60_000 });
    onTestFinished(() => skew.clear());
    await complains(superlink, 'clock', 'warning', /[56]\d\.\d s behind OneGate's.*timedatectl.*clock_off/s);
  });

  test('attributes on OneGate that differ from those of this VM', async () => {
    const { userTemplate } = federation.seenBy(superlink);
    const endpoint = userTemplate.get('FL_ENDPOINT')!;
    userTemplate.set('FL_ENDPOINT', '203.0.113.9:9092');
    onTestFinished(() => userTemplate.set('FL_ENDPOINT', endpoint));
    await complains(superlink, 'published', 'problem', /FL_ENDPOINT.*reload/s);
  });

  test('another version of Flower on the peer, from both sides', async () => {
    const [one, other] = [federation.seenBy(superlink), federation.seenBy(supernode)];
    one.userTemplate.set('FL_VERSION', '1.31.0');
    onTestFinished(() => one.userTemplate.set('FL_VERSION', BAKED_FLOWER));
    await complains(supernode, 'versions', 'warning', /VM \d+: 1\.31\.0.*flower_version_differs/s);
    one.userTemplate.set('FL_VERSION', '1.42.0');
    await complains(supernode, 'versions', 'problem', /VM \d+: 1\.42\.0.*flower_generation_differs/s);
    other.userTemplate.set('FL_VERSION', '1.31.0');
    onTestFinished(() => other.userTemplate.set('FL_VERSION', BAKED_FLOWER));
    await complains(superlink, 'versions', 'warning', /VM \d+: 1\.31\.0/);
  });

  test('a certificate that does not name the address, and one that has expired', async () => {
    const folder = superlink.at('var/lib/flower-context/tls');
    const ca = {
      certPem: readFileSync(join(folder, 'ca.pem'), 'utf8'),
      keyPem: readFileSync(join(folder, 'ca.key'), 'utf8'),
    };
    const names = { dns: ['localhost'], ip: ['127.0.0.1'] };
    const pair = issueServer({ ca, names, now: new Date() });
    replace(join(folder, 'server.pem'), pair.certPem);
    await complains(superlink, 'certificate', 'problem', /FL_CERT_EXTRA_SAN.*address_not_in_certificate/s);
    const old = issueServer({ ca, names, now: new Date('2019-01-01') });
    writeFileSync(join(folder, 'server.pem'), old.certPem);
    await complains(
      superlink,
      'dates',
      'problem',
      /expired on 20(19|20)-.*systemctl restart flower-context/s,
    );
  });

  test('keepalive that is not in force', async () => {
    const path = supernode.at('run/flower-context/link.json');
    replace(path, formatFlowerState({ ...supernode.flowerLink()!, options: { server: [], client: [] } }));
    await complains(supernode, 'keepalive', 'problem', /grpc\.keepalive_time_ms=60000.*restart/s);
  });

  test('a state of Flower that is not about its process', async () => {
    await supernode.systemctl('stop', 'flower-context');
    // The launcher writes its progress every few seconds.
    const found = await until('a look before that', async () => {
      replace(supernode.at('run/flower-context/link.json'), 'accepted');
      const one = await examined(supernode);
      return said(check(one.report, 'flower')).includes('has no valid state') ? one : undefined;
    });
    proves(found, 'flower', 'problem', /has no valid state.*restart it.*flower_state_unknown/s);
  });

  test('a CONTEXT that the agent has not read', async () => {
    await supernode.systemctl('stop', 'flower-context');
    replace(supernode.at('run/one-context/context.sh.network'), "FL_LOG_LEVEL='WARNING'\n");
    await complains(supernode, 'context', 'problem', /the agent has not read this CONTEXT.*reload/s);
    await complains(supernode, 'units', 'problem', /flower-context.service is inactive/);
    await complains(supernode, 'token', 'problem', /TOKEN=YES is not in the CONTEXT/);
  });

  test('a Flower that has ended, and another program on its port', async () => {
    await superlink.systemctl('stop', 'flower-context');
    await superlink.systemctl('stop', 'flower-superlink');
    expect(tooWide((await superlink.cli('doctor')).stdout)).toEqual([]);
    const { report } = await examined(superlink);
    expect(said(check(report, 'units'))).toMatch(/flower-superlink.service is inactive/);
    expect(said(check(report, 'flower'))).toMatch(/Flower has not served since .*was stopped/);
    expect(said(check(report, 'ports'))).toMatch(/nothing listens there/);
    expect(said(check(report, 'published'))).not.toMatch(/undefined/);

    const other = createServer();
    const { ip } = federation.seenBy(superlink);
    await new Promise<void>((resolve) => other.listen(9092, ip, resolve));
    onTestFinished(() => void other.close());
    await complains(superlink, 'ports', 'problem', /it is not Flower.*port_in_use/s);
  });

  test.runIf(process.getuid?.() === 0 && canMount())('a disk that is nearly full, or read-only', async () => {
    const state = superlink.at('var/lib/flower-context');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', state]);
    onTestFinished(() => void execFileSync('umount', ['-l', state]));
    await complains(superlink, 'disk', 'problem', /only [0-4] MiB free.*df -h/s);
    execFileSync('mount', ['-o', 'remount,ro', state]);
    await complains(superlink, 'disk', 'problem', /read-only.*state_unwritable/s);
  });
});

describe('doctor stops at the first thing that is missing', () => {
  const doctor = (root: string) => run(NODE, [SHIPPED, 'doctor', '--root', root]);

  test('an image: one problem, its remedy, and nothing is written', async () => {
    const root = temporaryFolder();
    const { code, stdout } = await doctor(root);
    expect(code).toBe(1);
    expect(stdout.match(/^PROBLEM .*/gm)).toEqual([expect.stringMatching(/image +not an image/)]);
    expect(stdout).toContain('explain image_incomplete');
    expect(stdout).toContain('skipped: 15 checks (no image)');
    expect(readdirSync(root)).toEqual([]);
  });

  test('a CONTEXT, then a first boot', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'etc/flower-context'), { recursive: true });
    copyFileSync(
      superlink.at('etc/flower-context/appliance.json'),
      join(root, 'etc/flower-context/appliance.json'),
    );
    const without = (await doctor(root)).stdout;
    expect(without.match(/^PROBLEM .*/gm)).toEqual([expect.stringContaining('CONTEXT')]);
    expect(without).toContain('skipped: 13 checks (no CONTEXT)');
    mkdirSync(join(root, 'var/run/one-context'), { recursive: true });
    writeFileSync(join(root, 'var/run/one-context/context.sh.network'), "ETH0_IP='10.0.0.5'\n");
    const { stdout } = await doctor(root);
    expect(stdout).toMatch(/^PROBLEM +agent +the agent has not run/m);
    expect(stdout).toMatch(/skipped: 6 checks \(no boot yet\)/);
    expect(stdout).not.toContain('undefined');
  });
});

describe('explain', () => {
  const agent = (...args: string[]) => run(NODE, [SHIPPED, 'explain', ...args]);

  test('lists every code, and has a whole page for each', async () => {
    const { stdout, code } = await agent('--json');
    expect(code).toBe(0);
    const pages = JSON.parse(stdout) as Record<string, unknown>[];
    for (const page of pages)
      for (const name of ['code', 'title', 'kind', 'remedy', 'about', 'found', 'agent', 'look'])
        expect(page[name], `${page.code}.${name}`).toBeTruthy();
    const list = (await agent()).stdout;
    for (const page of pages) expect(list).toContain(`  ${page.code}`);
    expect(tooWide(list)).toEqual([]);
  });

  test.each(Object.keys(CATALOGUE))('prints the page of %s within 80 columns', async (code) => {
    const { stdout } = await agent(code);
    expect(stdout).toMatch(/^Where to look\n {2}\S/m);
    expect(tooWide(stdout)).toEqual([]);
  });

  test('prints the page of a code with all its sections', async () => {
    const { stdout, code } = await agent('ca_mismatch');
    expect(code).toBe(0);
    expect(stdout.match(/^[A-Z].*$/gm)).toEqual([
      'What it means',
      'How it is found',
      'What the agent does',
      'What to do',
      'Where to look',
    ]);
  });

  test('suggests the closest code for a wrong one', async () => {
    expect(await agent('ca_mismach')).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/did you mean\s+ca_mismatch\?/),
    });
  });
});

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
