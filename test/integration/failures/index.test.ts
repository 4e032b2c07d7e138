// Nothing is forgotten: each problem code and each row of the design's failure table is shown by a test that exists.
import { describe, expect, test } from 'vitest';
import { CATALOGUE, type ProblemCode } from '../../../src/core/catalogue.ts';
import { FATAL } from './fatal.ts';
import { REPORTED } from './reported.ts';
import { textOf } from './setup.ts';

type Place = readonly [file: string, title: string];

/** Codes shown elsewhere on the built program, with real Flower where Flower is the point. */
const ELSEWHERE: Partial<Record<ProblemCode, Place>> = {
  context_unreadable: [
    'integration/failures/machine.test.ts',
    'a CONTEXT that is not what one-context writes',
  ],
  state_damaged: [
    'integration/boot-state.test.ts',
    'that is damaged (%s) is set aside, said, and never used',
  ],
  onegate_unreachable: [
    'integration/boot-onegate.test.ts',
    '%s serves all the same, and publishes when it can',
  ],
  flower_install_failed: [
    'integration/boot-flower.test.ts',
    'a version of Flower that cannot be installed: the baked one serves, and everyone is told',
  ],
  agent_running: [
    'integration/failures/told.test.ts',
    'a second agent changes nothing, says why, and ends with 1',
  ],
  interrupted: ['integration/failures/told.test.ts', 'as a command it ends with 1 and the code'],
  app_lacks_settings: [
    'federation/submit.test.ts',
    'of an app that does not declare all settings is refused with the lines to add',
  ],
  run_not_started: ['integration/commands.test.ts', 'run_not_started'],
  run_failed: [
    'federation/submit.test.ts',
    'that fails ends with 1, although `flwr run --stream` ends with 0',
  ],
};

test.each(Object.keys(CATALOGUE) as ProblemCode[])('%s has a test on the built program', (code) => {
  if (code in FATAL || (REPORTED[code]?.length ?? 0) > 0) return;
  const place = ELSEWHERE[code];
  expect(place, 'add it to fatal.ts, told.ts or ELSEWHERE').toBeDefined();
  expect(textOf(place![0])).toContain(place![1]);
});

test('no code that is gone has a place here', () => {
  const here = [...Object.keys(FATAL), ...Object.keys(REPORTED), ...Object.keys(ELSEWHERE)];
  expect(here.filter((code) => !(code in CATALOGUE))).toEqual([]);
});

const ROWS: Readonly<Record<string, readonly Place[]>> = {
  'a variable is wrong': [
    [
      'integration/boot-context.test.ts',
      'is told whole: every variable in the journal and the status, the code on OneGate, exit status 2, no restart',
    ],
    ['integration/boot-context.test.ts', 'and made wrong does not take down what serves'],
  ],
  'OneGate down / hangs / 401 / 404 / 500': [
    ['integration/boot-onegate.test.ts', "['hangs', { kind: 'hang' }]"],
    ['integration/boot-onegate.test.ts', 'status: 401'],
    ['integration/boot-onegate.test.ts', 'status: 404'],
    ['integration/boot-onegate.test.ts', 'status: 500'],
    [
      'integration/boot-onegate.test.ts',
      'a SuperLink whose OneGate is down from the start serves, and publishes when it is up',
    ],
  ],
  'not in a service': [
    [
      'integration/boot-discovery.test.ts',
      'that is not in a service fails at once, and says which variable would help',
    ],
    ['integration/boot-discovery.test.ts', 'with a static address does not ask OneGate for one'],
  ],
  'the SuperLink is not there yet': [
    [
      'integration/boot-discovery.test.ts',
      'that is there before the SuperLink waits for it where everyone can see it, and goes on within seconds',
    ],
    ['integration/failures/fatal.ts', 'looked for with FL_EDGE_BACKOFF=fixed'],
  ],
  'CA missing, broken, expired, not a CA, does not match': [
    ['integration/boot-trust.test.ts', 'fails when no CA is published: never plaintext'],
    ['integration/boot-trust.test.ts', "['broken', "],
    ['integration/boot-trust.test.ts', "['expired', "],
    ['integration/failures/fatal.ts', 'a server certificate in the place of the CA'],
    ['integration/boot-trust.test.ts', 'but whose pinned CA is another one is told so before Flower starts'],
  ],
  'the address is not in the certificate': [
    [
      'integration/boot-trust.test.ts',
      'at an address that its certificate does not name is given the FL_CERT_EXTRA_SAN line',
    ],
  ],
  'Flower exits at once': [
    [
      'integration/boot-flower.test.ts',
      'Flower that ends at once: its own last lines are in the message, its code on OneGate, and READY is never said',
    ],
  ],
  'the SuperLink restarts / moves / gets a new CA': [
    ['federation/federation-restarts.test.ts', 'is killed and started again on the same database'],
    ['federation/federation-restarts.test.ts', 'moves to another address, which they find by themselves'],
    [
      'federation/federation-restarts.test.ts',
      'comes back with another CA, where Flower itself would stay alive and useless',
    ],
  ],
  'the path goes silent (no RST)': [
    [
      'federation/keepalive.test.ts',
      'notices a path that goes silent within ${time} + ${timeout} s on both sides, and is back by itself',
    ],
  ],
  'the VM is killed at any step': [
    [
      'integration/boot-state.test.ts',
      'at the step %s: the next boot finishes, with the CA and the keys that were there',
    ],
    ['integration/boot-state.test.ts', 'of a SuperNode, twice: it comes back to the partition it had'],
  ],
  'the disk is full, read-only, or a state file is damaged': [
    [
      'integration/boot-state.test.ts',
      'that is full is named, leaves no half file behind, and heals when there is room',
    ],
    [
      'integration/boot-state.test.ts',
      'that is read-only is named, with what to do, and heals when it is writable again',
    ],
    ['integration/boot-state.test.ts', 'that is damaged (%s) is set aside, said, and never used'],
  ],
  'the clock is off': [
    [
      'integration/launcher.test.ts',
      'names the clock when the SuperLink refuses the timestamps of this node',
    ],
    ['integration/failures/told.ts', 'a SuperLink that refuses the timestamps of this node'],
    ['integration/failures/told.ts', 'certificates of next month'],
  ],
};

describe('the failure table', () => {
  test.each(Object.entries(ROWS).flatMap(([row, places]) => places.map((place) => [row, ...place])))(
    '%s: %s, %s',
    (_row, file, title) => {
      expect(textOf(file!)).toContain(title!);
    },
  );
});
