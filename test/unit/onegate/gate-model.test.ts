// Every order of events around OneFlow's ready gate, searched to its end: a SuperLink and a SuperNode boot, serve and
// publish, one-context's ready script runs, and VMs lose power, agents are killed, CONTEXTs change or become wrong, Flower
// is lost, updates are lost on the way. What the agent decides is `next` itself; what it sends passes the real guard and
// the text handling of the OneGate double. The gate opens as EventManager.rb does it: on READY=YES anywhere in an update,
// once.

import { describe, expect, test } from 'vitest';
import type { AgentEvent, AgentState } from '../../../src/agent/life.ts';
import { next, START, verdictOf } from '../../../src/agent/state.ts';
import {
  bootingAttributes,
  contradictsBooting,
  failedAttributes,
  superLinkAttributes,
  superNodeAttributes,
} from '../../../src/boot/attributes.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import type { SuperLinkConfig, SuperNodeConfig } from '../../../src/config/parse.ts';
import type { Role } from '../../../src/core/role.ts';
import { publishable } from '../../../src/onegate/guard.ts';
import type { Vm as StoredVm } from '../../../src/onegate/replies.ts';
import { escapeAttributes } from '../../support/onegate/escape.ts';
import { parseTemplate } from '../../support/onegate/template.ts';

interface Vm {
  readonly agent: AgentState;
  /** The step that the boot has come to. */
  readonly step: 'validate' | 'reset' | 'start' | 'await' | 'publish';
  /** The CONTEXT is wrong. */
  readonly wrong: boolean;
  /** The checkpoint has the publication. */
  readonly recorded: boolean;
  /** OneGate attributes were reset since the VM was switched on. */
  readonly wasReset: boolean;
  readonly flower: boolean;
  /** Flower has served with the plan that it has. */
  readonly served: boolean;
  /** A failure that the agent is about to publish, and whether it leaves then. */
  readonly failing: { readonly serves: boolean; readonly leaves: boolean } | null;
  /** one-context's ready script; one that passed is about to send READY=YES. */
  readonly script: 'none' | 'waiting' | 'passed' | 'done';
  /** A ready script that passed before a change of the CONTEXT, and still sends. */
  readonly orphan: boolean;
  readonly gate: boolean;
  readonly template: Record<string, string>;
}

interface World {
  readonly superlink: Vm;
  /** Created by OneFlow when the SuperLink's gate opens. */
  readonly supernode: Vm | null;
  /** Disturbances left. */
  readonly troubles: number;
}

const POWERED_ON = {
  agent: START.state,
  step: 'validate',
  wasReset: false,
  flower: false,
  served: false,
  failing: null,
  script: 'none',
  orphan: false,
} as const;

const fresh = (): Vm => ({ ...POWERED_ON, wrong: false, recorded: false, gate: false, template: {} });

const MOMENT = { monotonicMs: 0, now: new Date(0), random: 0 };

/** The third end within some minutes. */
const LOOP: AgentEvent = {
  type: 'FlowerEnded',
  end: { unit: '', result: 'signal', status: 9, lines: [], outOfMemory: false },
};

/** The VM after an event for its agent, with what the agent does at once. */
function after(vm: Vm, event: AgentEvent): Vm {
  const { state, effects } = next(vm.agent, event, MOMENT);
  // How long a pause is plays no part here, nor how many ends there were, nor what is only reported.
  const troubles = state.troubles.filter(({ code }) => code === 'flower_crash_loop');
  const agent = { ...state, unfinished: Math.min(state.unfinished, 1), ends: [], troubles };
  let result: Vm = { ...vm, agent };
  for (const effect of effects) {
    if (effect.type === 'startBoot') result = { ...result, step: 'validate', failing: null };
    if (effect.type === 'cancelBoot' && state.stage === 'booting')
      result = after(result, { type: 'BootCancelled' });
    if (effect.type === 'publishFailure')
      result = { ...result, failing: { serves: effect.serves, leaves: false } };
    if (effect.type === 'unpublish')
      result = { ...result, recorded: false, failing: { serves: false, leaves: false } };
    if (effect.type === 'restartFlower') result = { ...result, flower: false };
    if (effect.type === 'leave' && result.failing !== null)
      result = { ...result, failing: { ...result.failing, leaves: true } };
  }
  return result;
}

const failed = (vm: Vm, contextAtFault: boolean, planned: boolean): Vm =>
  after(vm, {
    type: 'BootFailed',
    contextAtFault,
    planned,
    publishedBefore: vm.recorded,
    flowerUp: vm.flower,
  });

const COMMON = { FL_USE_CASE: 'none', REPORT_READY: true };
const SUPERLINK = { ...COMMON, role: 'superlink', VMID: 1 } as unknown as SuperLinkConfig;
const SUPERNODE = { ...COMMON, role: 'supernode', VMID: 2 } as unknown as SuperNodeConfig;
const VERSION = { flowerVersion: BAKED_FLOWER, degradedBy: undefined };

const SAYS = {
  superlink: {
    booting: bootingAttributes(SUPERLINK, 1),
    serving: superLinkAttributes(SUPERLINK, {
      ...VERSION,
      endpoint: { host: '172.20.0.101', port: 9092 },
      caPem: 'CA',
    }),
  },
  supernode: {
    booting: bootingAttributes(SUPERNODE, 2),
    serving: superNodeAttributes(SUPERNODE, { ...VERSION, partition: { id: 0, of: 1 }, gpu: false }),
  },
};

/** What the agent decides from what OneGate shows of its VM when a boot begins. */
function mustReset(role: Role, { template }: Vm): boolean {
  const attributes = new Map(Object.entries(template)) as StoredVm['attributes'];
  return contradictsBooting({ id: role === 'superlink' ? 1 : 2, attributes } as StoredVm, { role });
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
      return escapeAttributes(new URLSearchParams(publishable(attributes, { ready: serving })).get('data')!);
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
  /** The guard is called with `ready: true` always. */
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
    const add = (name: string, changed: Vm, troubles = world.troubles, text?: string): void => {
      let result = changed;
      let fault: string | undefined;
      let { supernode } = world;
      if (text !== undefined) {
        result = { ...result, template: merged(result.template, text) };
        if (!result.gate && text.replaceAll(/["\s]/g, '').includes('READY=YES')) {
          result = { ...result, gate: true };
          // What was sent was sent by a VM that this is the state before of.
          fault = faultOfOpening(role, { ...result, served: vm.served });
          if (role === 'superlink') supernode ??= fresh();
        }
      }
      const worldAfter =
        role === 'superlink'
          ? { superlink: result, supernode }
          : { superlink: world.superlink, supernode: result };
      steps.push({ name: `${role} ${name}`, world: { ...worldAfter, troubles }, fault });
    };
    /** An update: arrives; or is lost; or arrives and its answer is lost, so that the agent sees a failure. */
    const send = (name: string, text: string | undefined, arrived: Vm, lost: Vm): void => {
      if (text === undefined) return;
      add(name, arrived, world.troubles, text);
      if (world.troubles === 0) return;
      add(`${name} (lost)`, lost, world.troubles - 1);
      add(`${name} (its answer is lost)`, lost, world.troubles - 1, text);
    };
    const asAgent = (attributes: Readonly<Record<string, string>>, serving: boolean): string | undefined =>
      sent(attributes, serving || rules.noGuard === true);
    const { agent } = vm;

    if (agent.stage === 'booting') {
      const withdrawn = { ...after(vm, { type: 'NotServing' }), recorded: false };
      if (vm.step === 'validate')
        add(vm.wrong ? 'fails' : 'validates', vm.wrong ? failed(vm, true, false) : { ...vm, step: 'reset' });
      if (vm.step === 'reset') {
        const done = { ...withdrawn, step: 'start', wasReset: true } as const;
        if (vm.wasReset && vm.flower) add('has nothing to reset', { ...vm, step: 'start' });
        else if (!mustReset(role, vm)) add('has nothing to reset', done);
        else send('resets', asAgent(SAYS[role].booting, false), done, done);
        for (const attributes of CHATTER) {
          const text = asAgent(attributes, false);
          if (text !== undefined) add(`says ${JSON.stringify(attributes)}`, vm, world.troubles, text);
        }
      }
      if (vm.step === 'start' && vm.flower) {
        add('keeps Flower', { ...vm, step: 'publish' });
        const restarted = { ...withdrawn, step: 'await', flower: false, served: false } as const;
        send('restarts Flower', asAgent(SAYS[role].booting, false), restarted, restarted);
      } else if (vm.step === 'start') {
        add('starts Flower', { ...after(vm, { type: 'NotServing' }), step: 'await', served: false });
      }
      if (vm.step === 'await') add('serves', { ...vm, step: 'publish', flower: true, served: true });
      if (vm.step === 'publish' && vm.flower) {
        const published = { ...after(vm, { type: 'BootSucceeded', published: true }), recorded: true };
        const lost = rules.openAfterLostPublish
          ? published
          : after(vm, { type: 'BootSucceeded', published: false });
        send('publishes', asAgent(SAYS[role].serving, true), published, lost);
      }
      if (vm.step === 'publish' && !vm.flower) add('sees that Flower has ended', failed(vm, false, true));
    }
    if (vm.failing !== null) {
      const attributes = vm.failing.serves
        ? { FL_ERROR: 'flower_start_failed' }
        : failedAttributes(role, 'flower_start_failed');
      const silent = { ...vm, failing: null };
      const done = vm.failing.leaves ? after(silent, { type: 'FailurePublished' }) : silent;
      send('publishes its failure', asAgent(attributes, false), done, done);
    }
    if (agent.stage === 'stopped' && agent.exit === 1)
      add('has its agent started again', { ...vm, agent: START.state, step: 'validate' });
    if ((agent.stage === 'ready' || agent.stage === 'failed') && agent.retryAt !== undefined)
      add('tries again', after(vm, { type: 'RetryDue' }));
    if (agent.stage === 'ready' && !vm.flower)
      add('notices that Flower is lost', after(vm, { type: 'LinkDown', reason: '' }));
    if (agent.stage === 'failed' && agent.ready && !vm.flower)
      add('notices that Flower is lost', after(vm, { type: 'LinkDown', reason: '' }));
    if ((agent.stage === 'disconnected' || (agent.stage === 'failed' && !agent.ready)) && vm.flower)
      add('notices that Flower is back', after(vm, { type: 'LinkUp' }));
    if (agent.stage === 'disconnected') add('stays without Flower', after(vm, { type: 'LinkTimeout' }));
    if (agent.stage === 'ready' && agent.ready && vm.template.READY !== 'YES')
      add('notices that OneGate shows something else', after(vm, { type: 'AttributesAltered', found: '' }));
    if (!vm.flower && vm.served) add('has Flower back', { ...vm, flower: true });

    const opens = verdictOf(agent) === 'serves' && vm.flower;
    if (vm.script === 'none') add('has its ready script started', { ...vm, script: 'waiting' });
    if (vm.script === 'waiting' && opens) add('has its ready script succeed', { ...vm, script: 'passed' });
    const ready = escapeAttributes('READY=YES');
    if (vm.script === 'passed')
      send('has READY reported by one-context', ready, { ...vm, script: 'done' }, vm);
    if (vm.orphan)
      add('has READY reported by an old script', { ...vm, orphan: false }, world.troubles, ready);

    const changed = (wrong: boolean): Vm => {
      const orphan = vm.orphan || vm.script === 'passed';
      const now: Vm = { ...vm, wrong, script: 'none', orphan };
      return agent.stage === 'stopped'
        ? { ...now, agent: START.state, step: 'validate' }
        : after(now, { type: 'ContextChanged' });
    };
    if (vm.wrong) add('has its CONTEXT corrected', changed(false));
    if (world.troubles === 0) continue;
    const left = world.troubles - 1;
    add('loses power', { ...vm, ...POWERED_ON }, left);
    add('has its agent killed', { ...vm, agent: START.state, step: 'validate', failing: null }, left);
    add('has another CONTEXT', changed(false), left);
    add('has a wrong CONTEXT', changed(true), left);
    if (vm.flower) add('loses Flower', { ...vm, flower: false }, left);
    if (vm.flower) add('hangs', after(vm, { type: 'NotAnswering', found: '', hung: true }), left);
    if (vm.flower) {
      const again = { ...vm, flower: false, agent: { ...agent, ends: [0, 0] } };
      add('ends again and again', after(again, LOOP), left);
    }
    if (vm.template.READY === 'YES') add('is overwritten', vm, left, '"READY"="NO"');
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
  [superlink, supernode].every(
    (vm) =>
      vm?.gate &&
      vm.flower &&
      verdictOf(vm.agent) === 'serves' &&
      vm.template.READY === 'YES' &&
      vm.failing === null,
  ) &&
  superlink.template.FL_READY === 'YES' &&
  supernode?.template.FL_NODE_READY === 'YES';

describe('the ready gate, in every order of events with up to two disturbances', () => {
  const { faults, ends, worlds, stuck } = search({}, 2);

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
