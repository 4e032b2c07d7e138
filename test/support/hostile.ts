// Contexts that try to be more than data: shell, systemd, TOML and argument injection, broken encodings, huge values.
// Every one is what an operator, or anybody who may edit a template, can put into a CONTEXT.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface HostileContext {
  /** Says what is tried, and through which variable. */
  readonly name: string;
  /** NAME -> value; render it with renderContextSh. */
  readonly raw: Record<string, string>;
  /** Whether a value is above 64 KiB (slow in numbers). */
  readonly large: boolean;
}

/** What `flower-context plan FILE --role ROLE --json` did with a context. */
export interface PlanOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HostileOptions {
  readonly role?: 'superlink' | 'supernode';
  /** A file that only injected code would make: look for it afterwards. */
  readonly canary?: string;
  /** Leave the large ones out. */
  readonly small?: boolean;
}

const BASE = {
  NETWORK: 'YES',
  TOKEN: 'YES',
  REPORT_READY: 'YES',
  VMID: '7',
  ONEGATE_ENDPOINT: 'http://127.31.0.1:5030',
};

const CARRIERS = {
  superlink: [
    'FL_STRATEGY',
    'FL_NUM_ROUNDS',
    'FL_PROXIMAL_MU',
    'FL_FLEET_API_ADDRESS',
    'FL_CONTROL_API_ADDRESS',
    'FL_DATABASE',
    'FL_CHECKPOINT_PATH',
    'FL_CERT_EXTRA_SAN',
    'FL_SSL_KEYFILE',
    'FLOWER_VERSION',
    'FL_LOG_LEVEL',
    'FL_METRICS_PORT',
    'ONEAPP_FL_ISOLATION',
    'FL_NOT_A_VARIABLE',
    'START_SCRIPT',
    'PASSWORD',
  ],
  supernode: [
    'FL_SUPERLINK_ADDRESS',
    'FL_NODE_CONFIG',
    'FL_MAX_RETRIES',
    'FL_CUDA_VISIBLE_DEVICES',
    'FL_GPU_MEMORY_FRACTION',
    'FL_USE_CASE',
    'ML_FRAMEWORK',
    'FL_SSL_CA_CERTFILE',
    'FLOWER_VERSION',
    'FL_LOG_FORMAT',
    'FL_EDGE_BACKOFF',
    'FL_ISOLATION',
    'ONEAPP_FL_TLS_ENABLED',
    'FL_NOT_A_VARIABLE',
    'START_SCRIPT',
    'SSH_PUBLIC_KEY',
  ],
} as const;

/** More than 500 contexts of a role, always the same ones in the same order. */
export function hostileContexts({
  role = 'superlink',
  canary = '/nonexistent/canary',
  small = false,
}: HostileOptions = {}): HostileContext[] {
  const payloads = payloadsFor(canary);
  const crossed = CARRIERS[role].flatMap((carrier) =>
    payloads.map(({ what, value }) => context(`${what} in ${carrier}`, { [carrier]: value })),
  );
  const named = ODD_NAMES.map((odd) =>
    context(`the name ${odd}`, Object.fromEntries([[odd, canaryCommand(canary)]])),
  );
  const everywhere = payloads.map(({ what, value }) =>
    context(
      `${what} in every variable`,
      Object.fromEntries(CARRIERS[role].map((carrier) => [carrier, value])),
    ),
  );
  const all = [...crossed, ...named, ...everywhere, ...(small ? [] : largeContexts(role, MIB))];
  return all.map((one) => ({ ...one, large: Object.values(one.raw).some((value) => value.length > 65_536) }));
}

/** So many of them, evenly spread from the first to the last, which is a large one. */
export const spread = (all: readonly HostileContext[], count: number): HostileContext[] =>
  Array.from({ length: count }, (_, index) => all[Math.round((index * (all.length - 1)) / (count - 1))]!);

const SECRETS = ['FL_SSL_KEYFILE', 'PASSWORD'];
const FLAGS =
  /^--(insecure|ssl-(certfile|keyfile|ca-certfile)|root-certificates|superlink|node-config|isolation|database|max-retries|max-wait-time|fleet-api-(type|address)|control-api-address|host|port)$/;

/** What is wrong with an outcome; undefined when it is a correct plan or a refusal with a reason. */
export function faultIn({ raw }: HostileContext, { code, stdout, stderr }: PlanOutcome): string | undefined {
  const said = stdout + stderr;
  if (/\n {4}at .*[:(]\d+/.test(said) || said.includes('internal_error'))
    return `a crash: ${said.slice(0, 300)}`;
  for (const name of SECRETS) {
    const secret = raw[name]?.trim();
    const elsewhere = Object.entries(raw).some(([other, value]) => other !== name && value.trim() === secret);
    if (secret !== undefined && secret.length >= 8 && !elsewhere && said.includes(secret))
      return `${name} was printed`;
  }
  if (code === 2)
    return stderr.includes('error: ') ? undefined : `a refusal without a reason: ${said.slice(0, 300)}`;
  if (code !== 0) return `exit status ${code}: ${said.slice(0, 300)}`;
  const { argv } = (JSON.parse(stdout) as { launch_plan: { argv: string[] } }).launch_plan;
  const flags = argv.filter((argument) => argument.startsWith('-'));
  const foreign = flags.filter((flag) => !FLAGS.test(flag));
  if (foreign.length > 0) return `foreign arguments ${foreign.join(' ')}`;
  return new Set(flags).size === flags.length ? undefined : `an argument twice: ${argv.join(' ')}`;
}

/** Every file in a folder and when it was changed: the same before and after when nothing was written. */
export const listing = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(
    (name) => `${name} ${statSync(join(folder, name)).mtimeMs}`,
  );

const context = (name: string, raw: Record<string, string>): Omit<HostileContext, 'large'> => ({
  name,
  raw: { ...BASE, ...raw },
});

const canaryCommand = (canary: string): string => `touch ${canary}`;

/** Names that mean something to a shell, to Node, to Python or to JavaScript objects. */
const ODD_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'LD_PRELOAD',
  'PATH',
  'HOME',
  'NODE_OPTIONS',
  'PYTHONPATH',
  'PYTHONSTARTUP',
  'BASH_ENV',
  'IFS',
  'NOTIFY_SOCKET',
  'http_proxy',
  'lower-case',
  '0-digit',
  '-dash',
  '_',
];

function payloadsFor(canary: string): { what: string; value: string }[] {
  const touch = canaryCommand(canary);
  const python = `__import__("os").system("${touch}")`;
  const values: readonly [what: string, value: string][] = [
    ['a lone quote', "'"],
    ['quotes only', "''''''"],
    ['an apostrophe', "it's"],
    ['an escaped quote', "\\'"],
    ['a final backslash', 'value\\'],
    ['a double quote', 'say "hi"'],
    ['a double quote that breaks out', `x"; ${touch}; echo "`],
    ['a single quote that breaks out', `x'; ${touch}; echo '`],
    ['the end of the value and a new one', "x'\nFL_TLS_ENABLED='NO"],
    ['a forged line', "first\nEVIL='x'\nlast"],
    ['backticks', `\`${touch}\``],
    ['a command substitution', `$(${touch})`],
    ['a variable', `$HOME $${'{PATH}'}`],
    ['a semicolon', `; ${touch}`],
    ['a pipe', `| ${touch}`],
    ['an and', `&& ${touch}`],
    ['a redirection', `> ${canary}`],
    ['a glob', '/*'],
    ['an option', '--insecure'],
    ['options with a value', `--ssl-keyfile=${canary} --log-file ${canary}`],
    ['the end of options', '-- --insecure'],
    ['a response file', '@/etc/passwd'],
    ['a traversal', '../../../../etc/passwd'],
    ['an absolute path', canary],
    ['a traversal in the middle', 'state/../../escape.db'],
    ['a systemd specifier', '%n %H %i %%'],
    ['a systemd directive', `x\nExecStartPre=/bin/${touch}\n[Service]`],
    ['an environment line', 'x\nLD_PRELOAD=/nonexistent/evil.so'],
    ['a TOML line', 'x"\nevil = "y'],
    ['a TOML table', 'a="1"\n[tool]\nb = 2'],
    ['TOML triple quotes', '"""\nx\n"""'],
    ['JSON', `{"a": "${'b'}", "c": ["d"]}`],
    ['JSON that ends a string', '","argv":["--insecure"],"x":"'],
    ['Python', python],
    ['a format string', '%s%n {0.__class__} {}'],
    ['a log line', 'x\n<0>flower-context: ready'],
    ['terminal escapes', '\u001B[2J\u001B]0;owned\u0007'],
    ['right-to-left text', '\u202Egnp.exe'],
    ['letters of other scripts', '日本語 ñ ß 🌼'],
    ['a byte order mark', '\uFEFFvalue'],
    ['control characters', '\u0001\u0002\u007F\u0085'],
    ['line and paragraph separators', 'a\u2028b\u2029c'],
    ['carriage returns', 'a\r\nb\rc'],
    ['tabs and blanks', ' \t x \t '],
    ['only blanks', ' \t\n '],
    ['a comment', 'x # not a comment'],
    ['an equals sign', '=x=y=='],
    ['a comma list', 'a,b,[c]'],
    ['a OneGate gate', 'x READY=YES'],
    ['a very long word', 'a'.repeat(5000)],
    ['numbers that are none', '0x10 1e9 +5 NaN Infinity 1_000'],
    ['a huge number', '9'.repeat(400)],
    ['a regular expression bomb', `${'a'.repeat(2000)}!${'.a'.repeat(2000)}`],
    ['a URL', 'http://user:secret@127.31.0.1:1/?a=b#c'],
  ];
  return values.map(([what, value]) => ({ what, value }));
}

const MIB = 1_048_576;

/** The large contexts, with values of `size` bytes. */
export function largeContexts(
  role: 'superlink' | 'supernode',
  size: number,
): Omit<HostileContext, 'large'>[] {
  const values: readonly [what: string, value: string][] = [
    ['letters', 'a'.repeat(size)],
    ['quotes', "'".repeat(size)],
    ['lines', 'a=b\n'.repeat(size / 4)],
    ['blanks around a word', `${' '.repeat(size / 2)}x${' '.repeat(size / 2)}`],
    ['colons', ':'.repeat(size)],
  ];
  const carriers = CARRIERS[role].slice(0, 3);
  return carriers.flatMap((carrier) =>
    values.map(([what, value]) => context(`${size} bytes of ${what} in ${carrier}`, { [carrier]: value })),
  );
}
