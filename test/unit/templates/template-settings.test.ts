// The settings of a template are checked with the table, all at once.
import { describe, expect, test } from 'vitest';
import { checkSettings, type TemplateSetting } from '../../../src/templates/template-settings.ts';
import type { Topology } from '../../../src/templates/topology.ts';

const check = (
  settings: readonly TemplateSetting[],
  topology: Topology = 'single-site',
  format: 6 | 7 = 6,
  all = false,
) => checkSettings(settings, { topology, format, all });
const problemsOf = (...args: Parameters<typeof check>): string[] =>
  check(...args).problems.map(({ variable, found }) => `${variable}: ${found}`);

describe('settings', () => {
  test('are taken under their plain names', () => {
    const { values, problems } = check([['ONEAPP_FL_NUM_ROUNDS', '7']]);
    expect(problems).toEqual([]);
    expect([...values]).toEqual([['FL_NUM_ROUNDS', '7']]);
  });

  test('are reported all at once when they are wrong', () => {
    expect(
      problemsOf(
        [
          ['FL_NUM_ROUNDS', 'ten'],
          ['FL_STRATEGY', 'Krun'],
          ['FL_NUM_ROUND', '3'],
          ['FL_SUPERLINK_ADDRESS', '192.0.2.7:9092'],
          ['VMID', '3'],
        ],
        'single-site',
        7,
      ),
    ).toEqual([
      'FL_NUM_ROUND: no variable has this name; did you mean FL_NUM_ROUNDS?',
      'FL_SUPERLINK_ADDRESS: a single-site template cannot have it',
      'VMID: only OpenNebula sets it',
      "FL_NUM_ROUNDS: 'ten': this is not a whole number in plain decimal",
      "FL_STRATEGY: 'Krun': this is not one of the choices; did you mean Krum?",
    ]);
  });

  test('are checked against each other', () => {
    const settings = [
      ['FL_STRATEGY', 'Bulyan'],
      ['FL_NUM_MALICIOUS', '1'],
    ] as const;
    expect(problemsOf(settings, 'single-site', 7)).toEqual([
      expect.stringMatching(/^FL_MIN_AVAILABLE_CLIENTS: 2, too few for FL_STRATEGY=Bulyan/),
      expect.stringMatching(/^FL_MIN_FIT_CLIENTS: 2, too few for FL_STRATEGY=Bulyan/),
    ]);
    const enough = [
      ['FL_MIN_AVAILABLE_CLIENTS', '7'],
      ['FL_MIN_FIT_CLIENTS', '7'],
    ] as const;
    expect(problemsOf([...settings, ...enough], 'single-site', 7)).toEqual([]);
  });

  test('for a role that the template does not have are refused', () => {
    expect(problemsOf([['FL_NUM_ROUNDS', '3']], 'training-site', 7)).toEqual([
      'FL_NUM_ROUNDS: a training-site template has no role that reads it',
    ]);
    expect(problemsOf([['FL_NUM_ROUNDS', '3']], 'coordinator', 7)).toEqual([]);
  });

  test.each([
    ['FL_NODE_CONFIG', 'site="a"', 7, []],
    ['FL_METRICS_PORT', '9102', 6, []],
    ['FL_NODE_CONFIG', 'home=$HOME', 7, ['FL_NODE_CONFIG: a value of 10 characters has $ in it']],
    ['FL_NODE_CONFIG', 'a=b\\', 7, ['FL_NODE_CONFIG: a value of 4 characters has \\ in it']],
    ['FL_FLEET_API_ADDRESS', '[::]:9092', 6, []],
    ['FL_NODE_CONFIG', 'site="a"', 6, ['FL_NODE_CONFIG: a value of 8 characters has " in it']],
    ['FL_NODE_CONFIG', "site='a'", 6, []],
    ['FL_NODE_CONFIG', 'site="a|b"', 7, ['FL_NODE_CONFIG: a value of 10 characters has | in it']],
    ['FL_NODE_CONFIG', 'a="1"\nb=2', 7, ['FL_NODE_CONFIG: a value of 9 characters has a line break in it']],
    ['SSH_PUBLIC_KEY', '$USER[SSH_PUBLIC_KEY]', 7, []],
    [
      'READY_SCRIPT_PATH',
      '/usr/local/bin/ready',
      6,
      ['READY_SCRIPT_PATH: a service template for OpenNebula 6 and 7 has no CONTEXT of its own'],
    ],
    ['FL_SSL_KEYFILE', '', 6, ['FL_SSL_KEYFILE: a single-site template cannot have it']],
  ] as const)(
    '%s=%s arrives unchanged in the format of OpenNebula %d, or is refused',
    (name, value, format, problems) => {
      expect(problemsOf([[name, value]], 'single-site', format)).toEqual(problems);
    },
  );

  test('that are empty are the default', () => {
    expect([...check([['FL_NUM_ROUNDS', '']]).values]).toEqual([]);
  });

  test('that are PEM become base64', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    const { values, problems } = check([['FL_SSL_CA_CERTFILE', pem]], 'training-site');
    expect(problems).toEqual([]);
    expect(Buffer.from(values.get('FL_SSL_CA_CERTFILE')!, 'base64').toString()).toBe(pem);
  });

  test('that are valid but probably wrong are warnings', () => {
    const { warnings } = check([['FL_CONTROL_API_ADDRESS', '0.0.0.0:9093']], 'coordinator');
    expect(warnings.map(({ variable }) => variable)).toEqual(['FL_CONTROL_API_ADDRESS']);
  });
});
