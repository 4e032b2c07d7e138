// Infrastructure: written by the template's CONTEXT or by OpenNebula, read by one-context and by the agent. Others act on
// most of them, so a value that they would not understand is read as they read it, and is no error here.
import { text } from '../kinds.ts';
import { bad, good, type Outcome } from '../outcome.ts';
import { BOTH, optional, withDefault } from '../variable.ts';

const AT = { roles: BOTH, level: 'infrastructure' } as const;

function readVmId(given: string): Outcome<number> {
  return /^(0|[1-9]\d{0,9})$/.test(given) ? good(Number(given)) : bad('this is not the number of a VM');
}

function readEndpoint(given: string): Outcome<string> {
  if (!/^https?:\/\/[^\s]+$/i.test(given) || !URL.canParse(given))
    return bad('this is not an http:// or https:// URL');
  const { username, password } = new URL(given);
  return username === '' && password === ''
    ? good(given)
    : bad('a URL with a user or a password in it is not taken');
}

export const PLATFORM = {
  TOKEN: withDefault({
    ...AT,
    title: 'OneGate token',
    ...text('YES', (given) => good(given.toUpperCase() === 'YES'), 'boolean'),
    default: 'NO',
    template: 'YES',
    reader: 'OpenNebula',
    effect:
      'Without YES the VM gets no VMID, no ONEGATE_ENDPOINT and no token: nothing is discovered or published.',
    example: 'YES',
  }),

  NETWORK: withDefault({
    ...AT,
    title: 'Network contextualization',
    ...text('YES', (given) => good(given.toUpperCase() === 'YES'), 'boolean'),
    default: 'NO',
    template: 'YES',
    reader: 'OpenNebula',
    effect: 'With YES the CONTEXT has the addresses of the NICs (ETHx_*).',
    example: 'YES',
  }),

  REPORT_READY: withDefault({
    ...AT,
    title: 'Report READY',
    // net-99-report-ready compares with capital letters (facts: one-context 7.2.1).
    ...text('YES, in capital letters', (given) => good(given === 'YES'), 'boolean'),
    default: 'NO',
    template: 'YES',
    reader: 'one-context',
    effect:
      'With YES the agent publishes READY=YES together with everything else when this role serves, and one-context sends it once the ready script has succeeded.',
    example: 'YES',
  }),

  READY_SCRIPT_PATH: optional({
    ...AT,
    title: 'Ready script',
    ...text('the path of a program', (given) => good(given)),
    template: '/opt/flower/scripts/health-check.sh',
    reader: 'one-context',
    effect: 'What one-context runs before it sends READY=YES: it succeeds when this role really serves.',
    example: '/opt/flower/scripts/health-check.sh',
  }),

  SSH_PUBLIC_KEY: optional({
    ...AT,
    title: 'SSH public key',
    ...text('public keys, one a line', (given) => good(given)),
    quiet: true,
    template: '$USER[SSH_PUBLIC_KEY]',
    reader: 'one-context',
    effect: 'Who may log in as root.',
    example: 'ssh-ed25519 AAAA... admin',
  }),

  VMID: optional({
    ...AT,
    title: 'Number of this VM',
    ...text('the number OpenNebula gave the VM', readVmId),
    reader: 'the agent; OpenNebula writes it',
    effect: "This VM's name in OneGate.",
    example: '42',
  }),

  ONEGATE_ENDPOINT: optional({
    ...AT,
    title: 'URL of OneGate',
    ...text('an http:// or https:// URL', readEndpoint),
    reader: 'the agent; OpenNebula writes it',
    effect: 'Where the agent publishes and discovers.',
    example: 'http://198.51.100.1:5030',
  }),
} as const;
