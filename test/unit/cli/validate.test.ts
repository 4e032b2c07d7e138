// What `validate` and `plan` find beyond the table: trust, what one-context does not understand, and which CONTEXT they read.

import { Buffer } from 'node:buffer';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { invoke } from '../../../src/cli/command.ts';
import { context, plan, validate } from '../../../src/cli/context.ts';
import { checkedContext } from '../../../src/cli/context-source.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { EXIT } from '../../../src/core/exit.ts';
import { Problem } from '../../../src/core/problem.ts';
import { type Machine, realMachine } from '../../../src/host/machine.ts';
import { trustDecision } from '../../../src/tls/trust.ts';
import { fixture, NOW } from '../../support/certificates.ts';

const printed = vi.hoisted(() => ({ text: '' }));
vi.mock('../../../src/host/output.ts', () => {
  const print = (text: string): void => {
    printed.text += text;
  };
  return { print, printError: print };
});

const IMAGE = `{"role":"supernode","flower":{"version":"${BAKED_FLOWER}","framework":"none"}}`;

let folder: string;
let machine: Machine;
beforeEach(() => {
  printed.text = '';
  folder = mkdtempSync(join(tmpdir(), 'validate-'));
  machine = { ...realMachine(folder), clock: { ...realMachine(folder).clock, now: () => NOW } };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** `severity variable` of each finding about a FILE with this text. */
async function found(text: string): Promise<string[]> {
  const { findings } = await checkedContext(machine, put(join(folder, 'FILE'), text), 'supernode');
  return findings.map(({ severity, variable }) => `${severity} ${variable}`);
}

describe.each([
  ['validate', validate],
  ['context', context],
  ['plan', plan],
])('%s on a VM', (_, command) => {
  const exitStatus = (...argv: string[]): Promise<number> =>
    invoke(command, ['--root', folder, ...argv], () => machine);
  const BARE = "FL_SUPERLINK_ADDRESS='10.0.0.5:9092'\nFL_TLS_ENABLED=NO\n";

  test('reads the CONTEXT as context.sh alone, as the boot does', async () => {
    put(machine.paths.appliance, IMAGE);
    put(machine.paths.contextFiles[0], BARE);
    expect(await exitStatus()).toBe(EXIT.badContext);
    expect(printed.text).toContain('context_unreadable: reading context.sh: line 2');
  });

  test('reads a FILE in any format', async () => {
    put(machine.paths.appliance, IMAGE);
    expect(await exitStatus(put(join(folder, 'FILE'), BARE.replaceAll("'", '')))).toBe(EXIT.ok);
  });

  test('asks for a FILE where there is no CONTEXT', async () => {
    expect(await exitStatus()).toBe(EXIT.usage);
    expect(printed.text).toContain('name a FILE');
  });
});

test.each([
  ['1.36.0', ['warning FLOWER_VERSION']],
  [BAKED_FLOWER, []],
  ['', []],
  ['1.43.0', ['error FLOWER_VERSION']],
  ['2.0.0', ['error FLOWER_VERSION']],
])('FLOWER_VERSION=%s on an image with the Flower of the release', async (version, wanted) => {
  put(machine.paths.appliance, IMAGE);
  const said = await found(
    `FL_SUPERLINK_ADDRESS=10.0.0.5:9092\nFL_TLS_ENABLED=NO\nFLOWER_VERSION=${version}\n`,
  );
  expect(said).toEqual(wanted);
});

describe('a SuperNode with an address', () => {
  const CA: Readonly<Record<string, string | undefined>> = {
    'no CA': undefined,
    'a CA': fixture('root.pem'),
    'a broken CA': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  };
  const combinations = Object.entries(CA).flatMap(([ca, pem]) =>
    [undefined, true, false].map((tlsEnabled) => ({ ca, pem, tlsEnabled })),
  );

  test.each(combinations)(
    'has an error with $ca and TLS $tlsEnabled when its boot would end',
    async (one) => {
      const { pem, tlsEnabled } = one;
      let ends = false;
      try {
        trustDecision({
          tlsEnabled,
          mode: 'static',
          now: NOW,
          ...(pem === undefined ? {} : { pinnedCaPem: pem }),
        });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        ends = true;
      }
      const file = {
        FL_SUPERLINK_ADDRESS: '10.0.0.5:9092',
        FL_TLS_ENABLED: tlsEnabled === undefined ? '' : tlsEnabled ? 'YES' : 'NO',
        FL_SSL_CA_CERTFILE: pem === undefined ? '' : Buffer.from(pem).toString('base64'),
      };
      const errors = (await found(JSON.stringify(file))).filter((finding) => finding.startsWith('error'));
      expect(errors).toEqual(ends ? ['error FL_SSL_CA_CERTFILE'] : []);
    },
  );

  test('needs no CA in a template that gets it from a form', async () => {
    const rest = 'FL_SUPERLINK_ADDRESS = "10.0.0.5:9092", FL_TLS_ENABLED = "YES"';
    expect(await found(`CONTEXT = [ ${rest} ]`)).toEqual(['error FL_SSL_CA_CERTFILE']);
    expect(await found(`CONTEXT = [ ${rest}, FL_SSL_CA_CERTFILE = "$FL_SSL_CA_CERTFILE" ]`)).toEqual([]);
    expect(await found(`CONTEXT = [ ${rest}, ONEAPP_FL_SSL_CA_CERTFILE = "$CA" ]`)).toEqual([]);
  });
});

test('a SuperNode that asks OneGate needs no CA, but a broken one is an error', async () => {
  expect(await found("FL_TLS_ENABLED='YES'\n")).toEqual([]);
  const broken = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  expect(await found(`FL_SSL_CA_CERTFILE='${broken.toString('base64')}'\n`)).toEqual([
    'error FL_SSL_CA_CERTFILE',
  ]);
});

describe('text that one-context or oned would not read', () => {
  test.each([
    ["TOKEN='NO'", ['warning TOKEN']],
    ["TOKEN='yes'", []],
    ["TOKEN=''", []],
    ["REPORT_READY='yes'", ['warning REPORT_READY']],
    ["REPORT_READY='YES '", ['warning REPORT_READY']],
    ["REPORT_READY='YES'", []],
    ["PATH='/evil'", ['warning PATH']],
    ["LD_PRELOAD='/evil.so'", ['warning LD_PRELOAD']],
    ["IFS=' '", ['warning IFS']],
    ["MY_PATH='x'", []],
    ["READY_SCRIPT_PATH='/nowhere'", []],
  ])('%s', async (line, findings) => expect(await found(`${line}\n`)).toEqual(findings));

  test('a token as the value of TOKEN is not shown', async () => {
    const file = put(join(folder, 'FILE'), "TOKEN='c2VjcmV0'\n");
    const { findings } = await checkedContext(machine, file, 'supernode');
    expect(JSON.stringify(findings)).not.toContain('c2VjcmV0');
  });

  test('a ready script is searched only on a machine that is made of an image', async () => {
    const script = "READY_SCRIPT_PATH='/opt/ready.sh'\n";
    expect(await found(script)).toEqual([]);
    put(machine.paths.appliance, IMAGE);
    expect(await found(script)).toEqual(['warning READY_SCRIPT_PATH']);
    put(join(folder, 'opt/ready.sh'), '');
    expect(await found(script)).toEqual([]);
  });
});
