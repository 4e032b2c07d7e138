import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseVariables } from '../../../src/config/parse.ts';
import { formatValue, isSecret, isSecretName, mask, mayShow } from '../../../src/config/secrets.ts';
import { ALL_NAMES, rowOf } from '../../../src/config/table.ts';
import { CERTIFICATE, findingsOf, KEY, KEY_PEM, LINK, NODE } from './support.ts';

describe('a value is masked', () => {
  test.each([
    ...[
      'FL_SSL_KEYFILE',
      'ONEAPP_FL_SSL_KEYFILE',
      'FL_NODE_CONFIG',
      'ONEAPP_FL_NODE_CONFIG',
      'FL_SSL_KEYFIL',
      'TOKEN',
    ],
    ...[
      'TOKENTXT',
      'ONEGATE_TOKEN',
      'PASSWORD',
      'PASSWORD_BASE64',
      'CRYPTED_PASSWORD',
      'db_password',
      'API_KEY',
    ],
    ...[
      'START_SCRIPT',
      'START_SCRIPT_BASE64',
      'USER_DATA',
      'USERDATA',
      'READY_SCRIPT',
      'INIT_SCRIPTS',
      'SSH_PRIVATE_KEY',
    ],
    // None of these has a word of a secret in its name.
    ...[
      'DB_PASS',
      'SMTP_AUTH',
      'MYSQL_PWD',
      'PIN',
      'BCRYPT_SALT',
      'HTTP_PROXY',
      'DSN',
      'SLACK_WEBHOOK',
      'ETH0_PASSWORD',
    ],
    ...[
      'ONEAPP_VMID',
      'ONEAPP_NAME',
      'vmid',
      'eth0_ip',
      'ETH0_IP ',
      'XETH0_IP',
      '__proto__',
      'constructor',
      'toString',
    ],
  ])('of %s', (name) => expect(mayShow(name, 'hunter2')).toBe(false));

  test.each([
    ['HOSTNAME', 'https://admin:pw@host'],
    ['NAME', 'admin:pw@host'],
    ['FL_SUPERLINK_ADDRESS', 'user:pw@host:9092'],
    ['ONEGATE_ENDPOINT', 'http://user:pw@198.51.100.1:5030'],
    ['ONEGATE_ENDPOINT', 'http://x/?token=abc'],
    ['ONEGATE_ENDPOINT', 'http://198.51.100.1:5030/a?code=abc&x=1'],
    ['ONEGATE_ENDPOINT', 'HTTPS://x?abc'],
    ['ONEGATE_ENDPOINT', 'http://x/#access_token=abc'],
    ['FL_SUPERLINK_ADDRESS', 'x:9092/?token=abc'],
    ['ETH0_SEARCH_DOMAIN', 'a.example b?x=1&api_key=abc'],
    ['FL_SSL_CERTFILE', KEY],
    ['SSH_PUBLIC_KEY', KEY_PEM],
    ['ETH0_SEARCH_DOMAIN', 'password=hunter2'],
    ['FL_STRATEGY', 'hunter2'],
    ['FL_STRATEGY', 'Fe'],
    ['FL_STRATEGY', 'Fed!hunter2'],
    ['FL_STRATEGY', 'Fed hunter2'],
    ['FL_STRATEGY', `Fed${'x'.repeat(22)}`],
    ['FL_NUM_ROUNDS', 'hunter2'],
    ['FL_TLS_ENABLED', 'hunter2'],
  ])('of %s when it is %s', (name, value) => expect(mayShow(name, value)).toBe(false));
});

test.each([
  ['SSH_PUBLIC_KEY', 'ssh-ed25519 AAAA admin@host'],
  ['FL_SSL_CERTFILE', CERTIFICATE],
  ['FL_GRPC_KEEPALIVE_TIME', '60'],
  ['ETH0_IP', '198.51.100.7'],
  ['ETH1_ALIAS0_IP6_ULA', 'fd00::1'],
  ['VMID', '42'],
  ['REPORT_READY', 'YES'],
  ['TOKEN', 'YES'],
  ['READY_SCRIPT_PATH', '/opt/flower/scripts/health-check.sh'],
  ['ONEGATE_ENDPOINT', 'http://198.51.100.1:5030'],
  ['NETWORK', 'YES'],
  ['ONEAPP_FL_NUM_ROUNDS', '3'],
  ['FL_NUM_ROUNDS', '-3'],
  ['FL_STRATEGY', 'FedAvgg'],
  ['FL_STRATEGY', 'FedBest'],
  ['FL_STRATEGY', 'fed_best-2'],
  ['FL_STRATEGY', `fed${'x'.repeat(21)}`],
  ['FL_LOG_LEVEL', 'warn-all'],
  ['ONEGATE_ENDPOINT', 'http://198.51.100.1:5030/a?'],
  ['FL_TLS_ENABLED', 'true'],
  ['PASSWORD', ''],
])('the value of %s is shown: %s', (name, value) => expect(mayShow(name, value)).toBe(true));

test('a mask has the length of the value, and the keys of FL_NODE_CONFIG', () => {
  expect(mask('PASSWORD', 'hunter2')).toBe('(masked, 7 characters)');
  expect(mask('ONEAPP_FL_NODE_CONFIG', 'site=a db-password=hunter2')).toBe(
    '(masked, 26 characters; keys: site, db-password)',
  );
  expect(mask('FL_NODE_CONFIG', 'hunter2')).toBe('(masked, 7 characters)');
});

describe('in a template a name is masked', () => {
  test.each([
    'FL_SSL_KEYFILE',
    'ONEAPP_FL_SSL_KEYFILE',
    'TOKEN',
    'TOKENTXT',
    'ONEGATE_TOKEN',
    'PASSWORD',
    'PASSWORD_BASE64',
    'CRYPTED_PASSWORD',
    'db_password',
    'API_KEY',
    'CLIENT_SECRET',
    'START_SCRIPT',
    'START_SCRIPT_BASE64',
    'USER_DATA',
    'USERDATA',
    'READY_SCRIPT',
    'INIT_SCRIPTS',
    'SSH_PRIVATE_KEY',
  ])('%s', (name) => expect(isSecretName(name)).toBe(true));
});

describe('in a template a name is shown', () => {
  test.each([
    'SSH_PUBLIC_KEY',
    'FL_SSL_CERTFILE',
    'FL_SSL_CA_CERTFILE',
    'FL_GRPC_KEEPALIVE_TIME',
    'FL_NODE_CONFIG',
    'ETH0_IP',
    'VMID',
    'REPORT_READY',
    'READY_SCRIPT_PATH',
    'ONEGATE_ENDPOINT',
    'NETWORK',
    'ONEAPP_FL_NUM_ROUNDS',
    '__proto__',
    'constructor',
  ])('%s', (name) => expect(isSecretName(name)).toBe(false));
});

test('a value is shown on one line, cut, without control characters', () => {
  expect(formatValue('a\nb\u001B[31m\u202E\\')).toBe('a\\nb\\u{1b}[31m\\u{202e}\\\\');
  expect(formatValue('x'.repeat(1000))).toBe(`${'x'.repeat(200)}... (1000 characters)`);
});

/** All that a caller could print, for every variable of the role set to the same value. */
const allSaid = (value: string, image = LINK): string =>
  JSON.stringify(
    findingsOf(parseVariables(Object.fromEntries(ALL_NAMES.map((name) => [name, value])), image)),
  );

describe('a message never contains', () => {
  const secrets = fc.stringMatching(/^[A-Za-z0-9]{24,40}$/);

  test('the value of FL_SSL_KEYFILE, however it is wrong', () => {
    const broken = fc.constantFrom<(secret: string) => string>(
      (secret) => secret,
      (secret) => `${secret}!`,
      (secret) => `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`,
      (secret) => Buffer.from(`-----BEGIN PRIVATE KEY-----\n${secret}\n`).toString('base64'),
      (secret) =>
        Buffer.from(`-----BEGIN CERTIFICATE-----\n${secret}\n-----END CERTIFICATE-----\n`).toString('base64'),
      (secret) => Buffer.from(secret).toString('base64'),
    );
    fc.assert(
      fc.property(
        secrets,
        broken,
        fc.constantFrom('FL_SSL_KEYFILE', 'ONEAPP_FL_SSL_KEYFILE'),
        (secret, how, name) => {
          const value = how(secret);
          for (const image of [LINK, NODE]) {
            const said = JSON.stringify(
              findingsOf(parseVariables({ [name]: value, FL_SSL_KEYFILE: value.slice(0, -1) }, image)),
            );
            expect(said).not.toContain(secret);
            // The example shows how such a value begins, which is public.
            expect(said.replaceAll(rowOf('FL_SSL_KEYFILE').example, '')).not.toContain(value.slice(0, 20));
            expect(said.length).toBeGreaterThan(2);
          }
        },
      ),
    );
  });

  test('a private key that was put into any other variable', () => {
    for (const key of [KEY, KEY_PEM, `${KEY}\n`, Buffer.from(KEY).toString('base64')]) {
      for (const image of [LINK, NODE]) {
        expect(allSaid(key, image)).not.toContain('MIGHAgEA');
        expect(allSaid(key, image)).not.toContain(KEY.slice(40, 60));
      }
    }
  });

  test('a password inside FL_NODE_CONFIG', () => {
    fc.assert(
      fc.property(
        secrets,
        fc.constantFrom(' x', '"', "'", ',b=1', '\u0001', ' a=1 a=1', '=', ''),
        (secret, tail) => {
          expect(
            JSON.stringify(findingsOf(parseVariables({ FL_NODE_CONFIG: `password=${secret}${tail}` }, NODE))),
          ).not.toContain(secret);
          expect(
            JSON.stringify(findingsOf(parseVariables({ FL_NODE_CONFIG: `password = ${secret}` }, NODE))),
          ).not.toContain(secret);
        },
      ),
    );
  });

  test('the value of a name that is not known, or of the other role', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const raw = {
          FL_PASSWORD: secret,
          ML_TOKEN: secret,
          ONEAPP_FL_SSL_KEY: secret,
          FL_SSL_KEYFILE: secret,
          PASSWORD: secret,
          START_SCRIPT: secret,
        };
        const findings = findingsOf(parseVariables(raw, NODE));
        expect(JSON.stringify(findings)).not.toContain(secret);
        expect(findings).toHaveLength(4);
      }),
    );
  });

  test('the password in a URL of OneGate', () => {
    const said = JSON.stringify(
      findingsOf(parseVariables({ ONEGATE_ENDPOINT: 'http://me:hunter2@198.51.100.1' }, LINK)),
    );
    expect(said).toContain('ONEGATE_ENDPOINT');
    expect(said).not.toContain('hunter2');
  });
});

test('a certificate is not repeated, because it is long and unreadable', () => {
  expect(allSaid(`${CERTIFICATE}!`)).not.toContain(CERTIFICATE.slice(45, 75));
});

test.each([
  ['a key in a variable for certificates', 'FL_SSL_CERTFILE', KEY],
  ['a key that was encoded twice', 'FL_SSL_CA_CERTFILE', Buffer.from(KEY).toString('base64')],
  ['a key in PEM under any name', 'A1', KEY_PEM],
  ['a URL with a password', 'PROXY', 'http://me:hunter2@198.51.100.1'],
  ['a short word for a password', 'DB_PASS', 'hunter2'],
  ['a token in a node config', 'FL_NODE_CONFIG', 'site=a api-token=hunter2'],
])('%s is masked', (_what, name, value) => {
  expect(isSecret(name, value)).toBe(true);
});

test.each([
  ['FL_SSL_CERTFILE', CERTIFICATE],
  ['FL_NODE_CONFIG', 'site="Lab 2" partition-id=0'],
  ['ONEGATE_ENDPOINT', 'http://198.51.100.1:5030'],
  ['SSH_PUBLIC_KEY', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 admin@example.org'],
])('%s=%s is shown', (name, value) => {
  expect(isSecret(name, value)).toBe(false);
});
