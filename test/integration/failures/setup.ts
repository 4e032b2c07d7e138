// What the tests of failures share: zones on addresses of their own, and what "reported" means.
import { existsSync, readdirSync } from 'node:fs';
import { expect } from 'vitest';
import { CATALOGUE, type ProblemCode } from '../../../src/core/catalogue.ts';
import { issueCa, issueServer } from '../../../src/tls/issue.ts';
import type { Vm as OneVm } from '../../support/onegate/index.ts';
import type { Federation, FederationSpec } from '../../support/zone/federation.ts';
import { until } from '../../support/zone/process.ts';
import * as testZone from '../../support/zone/test-zone.ts';
import type { Vm } from '../../support/zone/vm.ts';

const NET = '127.42';
/** Nothing listens there. */
export const NOBODY = `${NET}.240.1:9092`;
/** Minutes of waiting in seconds (test/support/agent/main.ts). */
export const HURRY = { TEST_CLOCK_SPEED: '60' };
/** In every CONTEXT here, and to be found nowhere else. */
export const PASSWORD = 'hunter2-is-a-secret';

const spec = (more: Partial<FederationSpec>): Partial<FederationSpec> => ({
  net: NET,
  ...more,
  zone: { address: `${NET}.0.${(Number(process.env.VITEST_POOL_ID ?? 1) % 4) + 1}`, ...more.zone },
});

export const zone = (more: Partial<FederationSpec> = {}, ...rest: Rest): Federation =>
  testZone.zone(spec(more), ...rest);

type Rest = [finished?: (clean: () => void | Promise<void>) => void];

/** A VM whose boot has begun, and OneGate's view of it. */
export interface Target {
  readonly federation: Federation;
  readonly vm: Vm;
  readonly one: OneVm;
}

export const superlink = (
  context: Readonly<Record<string, string>> = {},
  more: Partial<FederationSpec> = {},
): Promise<Target> => testZone.superlink({ PASSWORD, ...context }, spec(more));

export const supernode = (
  says: Readonly<Record<string, string>>,
  context: Readonly<Record<string, string>> = {},
  more: Partial<FederationSpec> = {},
): Promise<Target> => testZone.supernode(says, { PASSWORD, ...context }, spec(more));

/** The first VM of a federation that is deployed already. */
export async function targetOf(federation: Federation, which = (vms: readonly Vm[]) => vms[0]) {
  const vm = await until('the VM', () => which(federation.vms));
  return { federation, vm, one: federation.seenBy(vm) };
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

const now = new Date();
export const OTHER_CA = issueCa({ now, commonName: 'a CA of somebody else' });

/** FL_SSL_* of an operator whose certificate names `ip`. */
export function operator(
  ip: string,
): Record<'FL_SSL_CA_CERTFILE' | 'FL_SSL_CERTFILE' | 'FL_SSL_KEYFILE', string> {
  const { certPem, keyPem } = issueServer({ ca: OTHER_CA, names: { dns: [], ip: [ip] }, now });
  return {
    FL_SSL_CA_CERTFILE: base64(OTHER_CA.certPem),
    FL_SSL_CERTFILE: base64(certPem),
    FL_SSL_KEYFILE: base64(keyPem),
  };
}

/** The problem in the status, once the status has it; with the kind that the catalogue gives and a remedy. */
export async function inStatus(vm: Vm, code: ProblemCode) {
  const { problems } = await vm.waitFor(`the problem ${code}`, (status) =>
    status.problems.some((one) => one.code === code),
  );
  const problem = problems.find((one) => one.code === code)!;
  expect(problem.remedy).not.toBe('');
  return problem;
}

/** The lines of the journal that report the problem: the cause first, the remedy last, nothing below its priority. */
export async function inJournal(vm: Vm, code: ProblemCode): Promise<string> {
  const lines = await until(`${code} in the journal`, () => {
    const all = vm.journal();
    const first = all.findIndex(({ message }) => message.startsWith(`${code}: `));
    const length = all.slice(first).findIndex(({ message }) => message.startsWith('  what to do: ')) + 1;
    return first >= 0 && length > 0 && all.slice(first, first + length);
  });
  const most = CATALOGUE[code].severity === 'fatal' ? 3 : 4;
  for (const { message, priority } of lines)
    expect({ message, loud: priority <= most }).toMatchObject({ loud: true });
  return lines.map(({ message }) => message).join('\n');
}

/** No token, no password and no key in anything that a person or another VM can read. */
export async function keepsItsSecrets({ federation, vm }: Target): Promise<void> {
  const { FL_SSL_KEYFILE: key } = vm.spec.context;
  const secrets = [PASSWORD, vm.spec.token, key?.slice(40, 120)].filter((one) => one !== undefined);
  const said = await Promise.all(
    [['status'], ['doctor'], ['doctor', '--json']].map((args) => vm.cli(...args)),
  );
  const texts = [
    vm.journalText(),
    JSON.stringify(vm.status()),
    ...said.flatMap(({ stdout, stderr }) => [stdout, stderr]),
    ...federation.zone.log.map(({ body }) => body),
  ];
  for (const secret of secrets) for (const text of texts) expect(text).not.toContain(secret);
}

/** Temporary files of an atomic write that never got their name. */
export const halfWritten = (vm: Vm): string[] =>
  ['var/lib', 'run']
    .filter((folder) => existsSync(vm.at(folder)))
    .flatMap((folder) =>
      readdirSync(vm.at(folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
        /(^|\/)\.[^/]+\.\d+-\d+$/.test(name),
      ),
    );
