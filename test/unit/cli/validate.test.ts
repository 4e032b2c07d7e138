// What `validate` and `plan` say beyond the table: whom a SuperNode trusts, and what one-context would not understand.
import { Buffer } from 'node:buffer';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { check } from '../../../src/cli/validate.ts';
import { Problem } from '../../../src/core/problem.ts';
import { type Machine, realMachine } from '../../../src/host/machine.ts';
import { trustDecision } from '../../../src/tls/trust.ts';
import { parseVariableFile } from '../../../src/vm/context-file.ts';
import { fixture, NOW } from '../../support/certificates.ts';

const IMAGE = { role: 'supernode', flowerVersion: '1.39.0', framework: 'none' } as const;

let folder: string;
let machine: Machine;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'validate-'));
  machine = { ...realMachine(folder), clock: { ...realMachine(folder).clock, now: () => NOW } };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const said = (text: string): string[] =>
  check(machine, parseVariableFile(text), IMAGE).findings.map(
    ({ severity, variable }) => `${severity} ${variable}`,
  );

describe('a SuperNode with an address', () => {
  const CA: Readonly<Record<string, string | undefined>> = {
    'no CA': undefined,
    'a CA': fixture('root.pem'),
    'a broken CA': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  };
  const combinations = Object.entries(CA).flatMap(([ca, pem]) =>
    [undefined, true, false].map((tlsEnabled) => ({ ca, pem, tlsEnabled })),
  );

  test.each(combinations)('has an error with $ca and TLS $tlsEnabled when its boot would end', (one) => {
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
    const errors = said(JSON.stringify(file)).filter((finding) => finding.startsWith('error'));
    expect(errors).toEqual(ends ? ['error FL_SSL_CA_CERTFILE'] : []);
  });

  test('needs no CA in a template that gets it from a form', () => {
    const rest = 'FL_SUPERLINK_ADDRESS = "10.0.0.5:9092", FL_TLS_ENABLED = "YES"';
    expect(said(`CONTEXT = [ ${rest} ]`)).toEqual(['error FL_SSL_CA_CERTFILE']);
    expect(said(`CONTEXT = [ ${rest}, FL_SSL_CA_CERTFILE = "$FL_SSL_CA_CERTFILE" ]`)).toEqual([]);
    expect(said(`CONTEXT = [ ${rest}, ONEAPP_FL_SSL_CA_CERTFILE = "$CA" ]`)).toEqual([]);
  });
});

test('a SuperNode that asks OneGate needs no CA, but a broken CA is reported', () => {
  expect(said("FL_TLS_ENABLED='YES'\n")).toEqual([]);
  const broken = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  expect(said(`FL_SSL_CA_CERTFILE='${broken.toString('base64')}'\n`)).toEqual(['error FL_SSL_CA_CERTFILE']);
});

describe('what one-context and oned would not understand', () => {
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
  ])('%s', (line, findings) => expect(said(`${line}\n`)).toEqual(findings));

  test('a token that stands in TOKEN is not shown', () => {
    const { findings } = check(machine, parseVariableFile("TOKEN='c2VjcmV0'\n"), IMAGE);
    expect(JSON.stringify(findings)).not.toContain('c2VjcmV0');
  });

  test('a ready script is only looked for where the appliance is', () => {
    const put = (path: string): void => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
    };
    const script = "READY_SCRIPT_PATH='/opt/ready.sh'\n";
    expect(said(script)).toEqual([]);
    put(machine.paths.appliance);
    expect(said(script)).toEqual(['warning READY_SCRIPT_PATH']);
    put(join(folder, 'opt/ready.sh'));
    expect(said(script)).toEqual([]);
  });
});
