// What a SuperNode trusted last, and what OneGate may change of it.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readTrust, writeTrust } from '../../../src/boot/trust-file.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import type { SuperNodeConfig } from '../../../src/config/parse.ts';
import { type Paths, pathsUnder } from '../../../src/host/paths.ts';
import { readCa } from '../../../src/tls/ca.ts';
import { type TrustFacts, trustDecision } from '../../../src/tls/trust.ts';
import { remembered, type TrustMemory } from '../../../src/tls/trust-memory.ts';
import { makeCa, NOW, problemOf } from '../../support/certificates.ts';

const CA = makeCa({ cn: 'The CA' }).certPem;
const OTHER = makeCa({ cn: 'Another CA' }).certPem;
const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
const print = (pem: string): string => readCa(pem, { variable: 'x', now: NOW }).fingerprintSha256;

interface Look {
  readonly tls?: 'YES' | 'NO' | undefined;
  readonly ca?: string;
  readonly address?: string;
  readonly tlsEnabled?: boolean;
  readonly pinned?: string;
  readonly bootId?: string;
}

/** One look after another, as the boots of one VM. */
function looks(...all: readonly Look[]): TrustMemory | undefined {
  let last: TrustMemory | undefined;
  for (const { tls, ca, address = '10.0.0.5:9092', tlsEnabled, pinned, bootId = 'boot' } of all) {
    const facts: TrustFacts = {
      tlsEnabled,
      mode: 'discovery',
      published: { tls, ...(ca !== undefined && { caCert: base64(ca) }) },
      now: NOW,
      last,
      ...(pinned !== undefined && { pinnedCaPem: pinned }),
    };
    const decision = trustDecision(facts);
    last = remembered(last, {
      vmId: 7,
      tls: decision.tls,
      ca: decision.tls ? decision.fingerprints : [],
      address,
      tlsEnabled: tlsEnabled ?? null,
      at: NOW.toISOString(),
      bootId,
      pinned: decision.tls && decision.source === 'FL_SSL_CA_CERTFILE',
    });
  }
  return last;
}
const TLS = { tls: 'YES', ca: CA } as const;

describe('from TLS to plaintext', () => {
  test.each([
    ['FL_TLS=NO', { tls: 'NO' }],
    ['FL_TLS=NO at another address', { tls: 'NO', address: '10.0.0.66:1' }],
    ['no FL_TLS any more', { tls: undefined }],
    ['FL_TLS=NO with the CA still there', { tls: 'NO', ca: CA }],
  ] as const)('%s on OneGate is a failure that says how to go on', (_what, now) => {
    const problem = problemOf(() => looks(TLS, now));
    expect([problem.code, problem.severity]).toEqual(['tls_mode_mismatch', 'fatal']);
    expect(problem.remedy).toContain('FL_TLS_ENABLED');
  });

  test('the failure names what was trusted, and when', () => {
    const { found } = problemOf(() => looks(TLS, { tls: 'NO' })).facts;
    expect(found).toContain('10.0.0.5:9092');
    expect(found).toContain(print(CA).slice(0, 23));
    expect(found).toContain(NOW.toISOString());
  });

  test('a second FL_TLS=NO is a failure as well', () => {
    const seen = looks(TLS);
    for (let again = 0; again < 3; again++)
      expect(() =>
        trustDecision({
          tlsEnabled: undefined,
          mode: 'discovery',
          published: { tls: 'NO' },
          now: NOW,
          last: seen,
        }),
      ).toThrow(/FL_TLS=NO/);
  });

  test('FL_TLS_ENABLED=NO on this VM is enough, and holds for later boots without it', () => {
    expect(looks(TLS, { tls: 'NO', tlsEnabled: false })?.tls).toBe(false);
    expect(looks(TLS, { tls: 'NO', tlsEnabled: false }, { tls: 'NO' })?.tls).toBe(false);
  });
});

test('a SuperLink that first served plaintext may serve TLS, and then no plaintext any more', () => {
  expect(looks({ tls: 'NO' }, TLS)).toMatchObject({ tls: true, suspicion: null });
  expect(() => looks({ tls: 'NO' }, TLS, { tls: 'NO' })).toThrow(/FL_TLS=NO/);
});

describe('another CA', () => {
  const moved = { tls: 'YES', ca: OTHER, address: '10.0.0.66:9092' } as const;

  test('is accepted, and the report names both CAs, both addresses and when', () => {
    const memory = looks(TLS, moved);
    expect(memory?.ca).toEqual([print(OTHER)]);
    for (const named of [
      print(CA).slice(0, 23),
      print(OTHER).slice(0, 23),
      '10.0.0.5:9092',
      '10.0.0.66:9092',
      NOW.toISOString(),
    ])
      expect(memory?.suspicion).toContain(named);
  });

  test('is reported until the VM boots again', () => {
    expect(looks(TLS, moved, moved)?.suspicion).toContain('instead of');
    expect(looks(TLS, moved, { ...moved, bootId: 'next' })?.suspicion).toBeNull();
  });

  test('beside the old one is another CA, too', () => {
    expect(looks(TLS, { tls: 'YES', ca: CA + OTHER })?.suspicion).toContain(print(OTHER).slice(0, 23));
    expect(looks({ tls: 'YES', ca: CA + OTHER }, TLS)?.suspicion).toBeNull();
  });

  test('is refused with a pinned one', () => {
    const decision = trustDecision({
      tlsEnabled: undefined,
      mode: 'discovery',
      pinnedCaPem: CA,
      published: { tls: 'YES', caCert: base64(OTHER) },
      now: NOW,
      last: looks(TLS),
    });
    expect(decision).toMatchObject({ tls: true, caPem: CA });
    expect(decision.warnings.map(({ code }) => code)).toEqual(['config_suspicious']);
  });

  test('is no matter after the operator has changed FL_TLS_ENABLED or the pinned CA', () => {
    expect(looks(TLS, { ...moved, tlsEnabled: true })?.suspicion).toBeNull();
    expect(looks(TLS, moved, { ...moved, tlsEnabled: true })?.suspicion).toBeNull();
    expect(looks({ pinned: CA, ...TLS }, { pinned: OTHER, ...TLS })?.suspicion).toBeNull();
  });
});

test('another address with the same CA is normal', () => {
  expect(looks(TLS, { ...TLS, address: '10.0.0.66:9092' })).toMatchObject({
    address: '10.0.0.66:9092',
    suspicion: null,
  });
});

describe('the file', () => {
  let paths: Paths;
  beforeEach(() => {
    paths = pathsUnder(mkdtempSync(join(tmpdir(), 'trust-')));
    mkdirSync(paths.tls, { recursive: true });
  });
  afterEach(() => rmSync(paths.root, { recursive: true }));
  const config = { VMID: 7 } as SuperNodeConfig;
  const read = (given = config) => readTrust(paths, given, NOW);

  test('is read as it was written', () => {
    writeTrust(paths, looks(TLS)!, CA);
    expect(read()).toEqual({ last: looks(TLS), damage: undefined });
  });

  test('of another VM, on the disk of a saved image, does not count', () => {
    writeTrust(paths, looks(TLS)!, CA);
    expect(read({ ...config, VMID: 8 }).last).toBeUndefined();
  });

  test.each(['', '{', 'null', '{"version":1,"tls":false}', '\0'.repeat(100), '{"version":2}'])(
    'with %j is set aside and reported, and TLS stays required',
    (text) => {
      writeTrust(paths, looks(TLS)!, CA);
      writeFileSync(paths.trust, text);
      const { last, damage } = read();
      expect(last).toMatchObject({ tls: true, ca: [print(CA)] });
      expect(damage?.code).toBe('state_damaged');
      expect(damage?.remedy).toContain('TLS stays required');
      expect(readdirSync(paths.state).join()).toContain('trust.json.damaged-');
    },
  );

  test('that is a directory is set aside, and TLS stays required', () => {
    writeTrust(paths, looks(TLS)!, CA);
    rmSync(paths.trust);
    mkdirSync(paths.trust);
    expect(read()).toMatchObject({ last: { tls: true }, damage: { code: 'state_damaged' } });
  });

  test('that was deleted leaves the CA of the last boot as the evidence of TLS', () => {
    writeTrust(paths, looks(TLS)!, CA);
    rmSync(paths.trust);
    expect(read()).toMatchObject({ last: { tls: true, ca: [print(CA)] }, damage: undefined });
    writeFileSync(join(paths.tls, 'superlink-ca.pem'), 'no certificate');
    expect(read().last).toMatchObject({ tls: true, ca: [] });
    rmSync(join(paths.tls, 'superlink-ca.pem'));
    mkdirSync(join(paths.tls, 'superlink-ca.pem'));
    expect(read().last).toMatchObject({ tls: true, ca: [] });
  });

  describe('that an earlier version never wrote, beside the CA of an earlier TLS', () => {
    const plan = (...argv: string[]) => ({
      version: 1,
      role: 'supernode',
      flower_version: BAKED_FLOWER,
      argv,
      env: {},
    });
    beforeEach(() => {
      mkdirSync(paths.run, { recursive: true });
      writeFileSync(join(paths.tls, 'superlink-ca.pem'), CA);
    });
    const writePlan = (text: string) => writeFileSync(paths.plan, text, { mode: 0o640 });

    test('the plan of this boot says that there is no TLS any more', () => {
      writePlan(JSON.stringify(plan('flower-supernode', '--insecure')));
      expect(read()).toEqual({ last: undefined, damage: undefined });
    });

    test.each([
      ['with a CA', JSON.stringify(plan('flower-supernode', '--root-certificates', 'x'))],
      ['that is damaged', '{"argv":["--insecure"'],
    ])('a plan %s keeps TLS required', (_, text) => {
      writePlan(text);
      expect(read().last).toMatchObject({ tls: true, ca: [print(CA)] });
    });

    test('a damaged memory keeps TLS required, whatever the plan says', () => {
      writePlan(JSON.stringify(plan('flower-supernode', '--insecure')));
      writeFileSync(paths.trust, '{');
      expect(read().last).toMatchObject({ tls: true });
    });

    test('after a reboot TLS stays required, and the problem says what to set before an upgrade', () => {
      const { last } = read();
      const decide = (known: TrustMemory | undefined) =>
        problemOf(() =>
          trustDecision({
            tlsEnabled: undefined,
            mode: 'discovery',
            published: { tls: 'NO' },
            now: NOW,
            last: known,
          }),
        );
      expect(decide(last)).toMatchObject({
        code: 'tls_mode_mismatch',
        remedy: expect.stringContaining('without TLS set FL_TLS_ENABLED=NO first'),
      });
      expect(decide(looks(TLS)).remedy).not.toContain('upgrade');
    });
  });

  test('a CA that is replaced is kept, and plaintext leaves no CA', () => {
    writeTrust(paths, looks(TLS)!, CA);
    writeTrust(paths, looks(TLS, { tls: 'YES', ca: OTHER })!, OTHER);
    expect(readFileSync(join(paths.tls, 'superlink-ca.previous.pem'), 'utf8')).toBe(CA);
    writeTrust(paths, looks({ tls: 'NO' })!, undefined);
    expect(read().last).toMatchObject({ tls: false });
    rmSync(paths.trust);
    expect(read().last).toBeUndefined();
  });
});
