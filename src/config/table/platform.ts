// Infrastructure: variables of the template's CONTEXT or of OpenNebula. Other programs use most of them, so the agent reads
// a value as those programs do, and an invalid one is no error here.

import { err, ok, type Result } from '../../core/result.ts';
import { ROLES } from '../../core/role.ts';
import { parseUrl } from '../../core/url.ts';
import { text } from '../kinds.ts';
import { rowsOf } from '../variable.ts';

const row = rowsOf('infrastructure', ...ROLES);

function readVmId(given: string): Result<number> {
  return /^(0|[1-9]\d{0,9})$/.test(given) ? ok(Number(given)) : err('this is not the number of a VM');
}

function readEndpoint(given: string): Result<string> {
  if (!/^https?:\/\/[^\s]+$/i.test(given) || parseUrl(given) === undefined)
    return err('this is not an http:// or https:// URL');
  const { username, password } = new URL(given);
  return username === '' && password === ''
    ? ok(given)
    : err('a URL with a user or a password in it is not taken');
}

export const PLATFORM = {
  TOKEN: row({
    title: 'OneGate token',
    ...text('YES', (given) => ok(given.toUpperCase() === 'YES'), 'boolean'),
    default: 'NO',
    template: 'YES',
    consumer: 'OpenNebula',
    description: 'Without YES the VM gets no VMID, ONEGATE_ENDPOINT or token. Then it cannot use OneGate.',
    example: 'YES',
  }),

  NETWORK: row({
    title: 'Network contextualization',
    ...text('YES', (given) => ok(given.toUpperCase() === 'YES'), 'boolean'),
    default: 'NO',
    template: 'YES',
    consumer: 'OpenNebula',
    description: 'With YES the CONTEXT contains the addresses of the NICs (ETHx_*).',
    example: 'YES',
  }),

  REPORT_READY: row({
    title: 'Report READY',
    // net-99-report-ready of one-context 7.2.1 compares with capital letters.
    ...text('YES, in capital letters', (given) => ok(given === 'YES'), 'boolean'),
    default: 'NO',
    template: 'YES',
    consumer: 'one-context',
    description:
      'With YES the agent publishes READY=YES once this role serves. one-context sends it after the ready script has succeeded.',
    example: 'YES',
  }),

  READY_SCRIPT_PATH: row({
    title: 'Ready script',
    ...text('the path of a program', (given) => ok(given)),
    template: '/opt/flower/scripts/health-check.sh',
    consumer: 'one-context',
    description: 'one-context runs it before it sends READY=YES. It succeeds when this role serves.',
    example: '/opt/flower/scripts/health-check.sh',
  }),

  SSH_PUBLIC_KEY: row({
    title: 'SSH public key',
    ...text('public keys, one a line', (given) => ok(given)),
    redact: true,
    template: '$USER[SSH_PUBLIC_KEY]',
    consumer: 'one-context',
    description: 'The keys that may log in as root.',
    example: 'ssh-ed25519 AAAA... admin',
  }),

  VMID: row({
    title: 'Number of this VM',
    ...text('the number OpenNebula gave the VM', readVmId),
    consumer: 'the agent; OpenNebula writes it',
    description: 'The id of this VM in OpenNebula and on OneGate.',
    example: '42',
  }),

  ONEGATE_ENDPOINT: row({
    title: 'URL of OneGate',
    ...text('an http:// or https:// URL', readEndpoint),
    consumer: 'the agent; OpenNebula writes it',
    description: 'The OneGate that the agent uses to publish and to discover.',
    example: 'http://198.51.100.1:5030',
  }),
} as const;
