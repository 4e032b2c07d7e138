// A small model of OneFlow's ready gate, searched to its end: every order in which a SuperLink and a SuperNode can
// announce, serve and publish, in which one-context's ready script can run, and in which VMs restart, are
// re-contextualized, lose Flower or lose an update on the way. What is sent is what the agent really sends, through the
// real guard and the text handling of the OneGate stub; the gate opens as EventManager.rb does it: on READY=YES anywhere
// in an update, once.
import { describe, expect, test } from 'vitest';
import {
  bootingAttributes,
  contradictsBooting,
  failedAttributes,
  servingAttributes,
} from '../../../src/boot/attributes.ts';
import { Knowledge } from '../../../src/boot/knowledge.ts';
import type { BootConfig } from '../../../src/config/parse.ts';
import { publishable } from '../../../src/onegate/guard.ts';
import type { Vm as StoredVm } from '../../../src/onegate/replies.ts';
import { escapeAttributes } from '../../support/onegate/escape.ts';
import { parseTemplate } from '../../support/onegate/template.ts';

type Role = 'superlink' | 'supernode';

interface Vm {
  /** Where the agent is: announcing, starting Flower, publishing, watching. */
  agent: 'announce' | 'start' | 'publish' | 'watch';
  flower: boolean;
  /** Flower has served since the agent's last beginning. */
  served: boolean;
  /** `flower-context ready` succeeds. */
  open: boolean;
  /** one-context's ready script; one that passed is about to send READY=YES. */
  script: 'none' | 'waiting' | 'passed' | 'done';
  /** A ready script that passed before a re-contextualization, and still sends. */
  orphan: boolean;
  gate: boolean;
  template: Record<string, string>;
}

interface World {
  readonly superlink: Vm;
  /** Created by OneFlow when the SuperLink's gate opens. */
  readonly supernode: Vm | null;
  /** Disturbances left. */
  readonly troubles: number;
}

const fresh = (): Vm => ({
  agent: 'announce',
  flower: false,
  served: false,
  open: false,
  script: 'none',
  orphan: false,
  gate: false,
  template: {},
});

function knowledgeOf(role: Role): Knowledge {
  const known = new Knowledge();
  known.set('config', {
    role,
    VMID: role === 'superlink' ? 1 : 2,
    FL_USE_CASE: 'none',
    REPORT_READY: true,
  } as unknown as BootConfig);
  known.set('flowerVersion', '1.39.0');
  known.set('serverTrust', { caPem: 'CA', fingerprint: '', files: { certificate: '', key: '', ca: '' } });
  known.set('endpoint', { host: '172.20.0.101', port: 9092 });
  known.set('partition', { id: 0, of: 1, why: '' });
  known.set('gpu', false);
  return known;
}

const SAYS = {
  superlink: {
    booting: bootingAttributes(knowledgeOf('superlink').get('config'), 1),
    serving: servingAttributes(knowledgeOf('superlink')),
  },
  supernode: {
    booting: bootingAttributes(knowledgeOf('supernode').get('config'), 2),
    serving: servingAttributes(knowledgeOf('supernode')),
  },
};

/** What the agent decides from what OneGate shows of its VM when a boot begins. */
function mustWithdraw(role: Role, { template }: Vm): boolean {
  const attributes = new Map(Object.entries(template)) as StoredVm['attributes'];
  const stored = { id: role === 'superlink' ? 1 : 2, attributes } as StoredVm;
  return contradictsBooting(stored, knowledgeOf(role).get('config'));
}

/** What an agent might also come to say at any time, among it what would open the gate by accident. */
const CHATTER = [
  { FL_PARTITION_ID: '1' },
  { FL_ERROR: 'x READY=YES' },
  { FL_READY: 'YES' },
  { FL_NODE_READY: 'YES' },
  { READY: 'YES' },
];

/** What the rules are about; in a fixed order, so that equal worlds are equal texts. */
const WATCHED = ['READY', 'FL_READY', 'FL_NODE_READY', 'FL_ENDPOINT', 'FL_TLS', 'FL_CA_CERT'];

function merged(template: Record<string, string>, text: string): Record<string, string> {
  const stored = { ...template, ...storedBy(text) };
  return Object.fromEntries(
    WATCHED.flatMap((name) => (stored[name] === undefined ? [] : [[name, stored[name]]])),
  );
}

const storedBy = memoized(
  (text: string): Record<string, string> =>
    Object.fromEntries(parseTemplate(text).map(({ name, value }) => [name, String(value)])),
);

/** What reaches oned when the agent sends these attributes; undefined when the guard refuses them. */
const sent = memoized(
  (attributes: Readonly<Record<string, string>>, serving: boolean): string | undefined => {
    try {
      return escapeAttributes(new URLSearchParams(publishable(attributes, { serving })).get('data')!);
    } catch {
      return undefined;
    }
  },
);

function memoized<A extends readonly unknown[], R>(work: (...given: A) => R): (...given: A) => R {
  const known = new Map<string, R>();
  return (...given) => {
    const key = JSON.stringify(given);
    if (!known.has(key)) known.set(key, work(...given));
    return known.get(key)!;
  };
}

interface Rules {
  /** The ready script is let through although the address could not be published. */
  readonly openAfterLostPublish?: boolean;
  /** The guard is asked as if the node always served. */
  readonly noGuard?: boolean;
}

interface Step {
  readonly name: string;
  readonly world: World;
  readonly fault: string | undefined;
}

function stepsFrom(world: World, rules: Rules): Step[] {
  const steps: Step[] = [];
  for (const role of ['superlink', 'supernode'] as const) {
    const vm = world[role];
    if (vm === null) continue;
    const add = (name: string, change: Partial<Vm>, troubles = world.troubles, text?: string): void => {
      const after: Vm = { ...vm, ...change };
      let fault: string | undefined;
      let { supernode } = world;
      if (text !== undefined) {
        after.template = merged(after.template, text);
        if (!after.gate && text.replaceAll(/["\s]/g, '').includes('READY=YES')) {
          after.gate = true;
          fault = faultOfOpening(role, after);
          if (role === 'superlink') supernode ??= fresh();
        }
      }
      const next =
        role === 'superlink'
          ? { superlink: after, supernode }
          : { superlink: world.superlink, supernode: after };
      steps.push({ name: `${role} ${name}`, world: { ...next, troubles }, fault });
    };
    /** An update: arrives; or is lost; or arrives and its answer is lost, so that the agent thinks it did not. */
    const send = (name: string, text: string | undefined, arrived: Partial<Vm>, lost: Partial<Vm>): void => {
      if (text === undefined) return;
      add(name, arrived, world.troubles, text);
      if (world.troubles === 0) return;
      add(`${name} (lost)`, lost, world.troubles - 1);
      add(`${name} (its answer is lost)`, lost, world.troubles - 1, text);
    };
    const asAgent = (attributes: Readonly<Record<string, string>>, serving: boolean): string | undefined =>
      sent(attributes, serving || rules.noGuard === true);

    // The agent continues without an announcement that is lost (BRIEF), and repeats a publication that is lost.
    if (vm.agent === 'announce' && !mustWithdraw(role, vm))
      add('has nothing to withdraw', { agent: 'start' });
    else if (vm.agent === 'announce')
      send('announces', asAgent(SAYS[role].booting, false), { agent: 'start' }, { agent: 'start' });
    if (vm.agent === 'start') add('serves', { agent: 'publish', flower: true, served: true });
    if (vm.agent === 'publish' && vm.flower) {
      const lost = { open: rules.openAfterLostPublish === true };
      send('publishes', asAgent(SAYS[role].serving, true), { agent: 'watch', open: true }, lost);
    }
    if (vm.agent === 'start') {
      for (const attributes of CHATTER) {
        const text = asAgent(attributes, false);
        if (text !== undefined) add(`says ${JSON.stringify(attributes)}`, {}, world.troubles, text);
      }
    }

    if (vm.script === 'none') add('has its ready script started', { script: 'waiting' });
    if (vm.script === 'waiting' && vm.open) add('has its ready script succeed', { script: 'passed' });
    const ready = escapeAttributes('READY=YES');
    if (vm.script === 'passed') send('has READY reported by one-context', ready, { script: 'done' }, {});
    if (vm.orphan) add('has READY reported by an old script', { orphan: false }, world.troubles, ready);

    if (world.troubles === 0) continue;
    const left = world.troubles - 1;
    add('is restarted', { ...fresh(), gate: vm.gate, template: vm.template }, left);
    add(
      'is re-contextualized',
      {
        agent: 'announce',
        served: false,
        open: false,
        script: 'none',
        orphan: vm.orphan || vm.script === 'passed',
      },
      left,
    );
    if (vm.flower) {
      const failed = asAgent(failedAttributes(role, 'flower_start_failed'), false);
      add('loses Flower', { agent: 'start', flower: false, served: false, open: false }, left, failed);
    }
  }
  return steps;
}

function faultOfOpening(role: Role, vm: Vm): string | undefined {
  if (!vm.served) return 'its Flower has not served';
  if (role === 'supernode') return vm.template.FL_NODE_READY === 'YES' ? undefined : 'it is not registered';
  const missing = ['FL_ENDPOINT', 'FL_TLS', 'FL_CA_CERT'].filter((name) => vm.template[name] === undefined);
  if (vm.template.FL_READY !== 'YES') missing.push('FL_READY=YES');
  return missing.length === 0 ? undefined : `${missing.join(', ')} cannot be read by the SuperNodes yet`;
}

/** Visits everything that can happen; `faults` are the orders of events that break a rule (the first few). */
function search(rules: Rules, troubles: number) {
  const keyOf = (world: World): string => JSON.stringify(world);
  const start: World = { superlink: fresh(), supernode: null, troubles };
  const cameFrom = new Map<string, { from: string; name: string } | undefined>([[keyOf(start), undefined]]);
  const followers = new Map<string, string[]>();
  const ends: World[] = [];
  const faults: string[] = [];
  const good: string[] = [];
  const queue: World[] = [start];
  for (let world = queue.pop(); world !== undefined && faults.length < 3; world = queue.pop()) {
    const key = keyOf(world);
    const steps = stepsFrom(world, rules);
    if (steps.length === 0) ends.push(world);
    if (isDone(world)) good.push(key);
    for (const step of steps) {
      const next = keyOf(step.world);
      if (step.fault !== undefined && faults.length < 3) {
        const path = [step.name];
        for (let at = cameFrom.get(key); at !== undefined; at = cameFrom.get(at.from)) path.unshift(at.name);
        faults.push(`${step.fault}: ${path.join(', ')}`);
      }
      const before = followers.get(next);
      if (before === undefined) followers.set(next, [key]);
      else before.push(key);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, { from: key, name: step.name });
      queue.push(step.world);
    }
  }
  const hopeful = new Set(good);
  for (const key of good)
    for (const before of followers.get(key) ?? [])
      if (!hopeful.has(before)) hopeful.add(before) && good.push(before);
  return {
    faults,
    ends,
    worlds: cameFrom.size,
    stuck: [...cameFrom.keys()].filter((key) => !hopeful.has(key)),
  };
}

/** Both gates are open, and what is published is true. */
const isDone = ({ superlink, supernode }: World): boolean =>
  [superlink, supernode].every((vm) => vm?.gate && vm.flower && vm.open && vm.template.READY === 'YES') &&
  superlink.template.FL_READY === 'YES' &&
  supernode?.template.FL_NODE_READY === 'YES';

describe('the ready gate, in every order of events with up to four disturbances', () => {
  const { faults, ends, worlds, stuck } = search({}, 4);

  test('opens only for a VM whose Flower has served and whose SuperNodes can read all they need', () => {
    expect(worlds).toBeGreaterThan(15_000);
    expect(faults).toEqual([]);
  });

  test('can always be opened at the end, and the published attributes are true then', () => {
    expect(stuck).toEqual([]);
    expect(ends.length).toBeGreaterThan(0);
    expect(ends.filter((world) => !isDone(world))).toEqual([]);
  });
});

describe('the model detects', () => {
  test('an unguarded update that opens the gate before Flower serves', () => {
    const { faults } = search({ noGuard: true }, 0);
    expect(faults.join('\n')).toContain('its Flower has not served');
  });

  test('a ready script that opens the gate without an address after a lost publication', () => {
    const { faults } = search({ openAfterLostPublish: true }, 1);
    expect(faults.join('\n')).toContain('FL_ENDPOINT, FL_TLS, FL_CA_CERT, FL_READY=YES cannot be read');
  });
});
