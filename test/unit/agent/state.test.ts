// The agent's life without a clock: each row is a state, an event, and what follows.
import { describe, expect, test } from 'vitest';
import type { AgentEvent, AgentState, Moment } from '../../../src/agent/life.ts';
import { dueEvent, LINK_TIMEOUT_MS, next, START, verdictOf } from '../../../src/agent/state.ts';
import { EXIT } from '../../../src/core/exit.ts';
import { EXAMPLES } from '../../support/agent-states.ts';

const { booting, ready, unpublished, disconnected, failed, wrongContext, leaving, stopped } = EXAMPLES;

const moment = (monotonicMs = 0): Moment => ({ monotonicMs, now: new Date('2030-01-01'), random: 1 });

/** What follows: the stage, whether the ready gate is open, and the types of the effects. */
function follow(state: AgentState, event: AgentEvent, at = moment()) {
  const { state: after, effects } = next(state, event, at);
  return { stage: after.stage, ready: after.ready, effects: effects.map(({ type }) => type), after };
}

const bootFailed = (facts: Partial<Extract<AgentEvent, { type: 'BootFailed' }>> = {}): AgentEvent => ({
  type: 'BootFailed',
  contextAtFault: false,
  planned: false,
  publishedBefore: false,
  flowerUp: false,
  ...facts,
});

describe('the first boot', () => {
  test('starts at once, and nothing is ready', () => {
    expect(START.effects).toEqual([{ type: 'startBoot', cause: 'start' }]);
    expect(START.state).toMatchObject({ stage: 'booting', ready: false, notified: false });
  });

  test('that succeeds opens the gate and notifies systemd, once', () => {
    const first = follow(START.state, { type: 'BootSucceeded', published: true });
    expect(first).toMatchObject({ stage: 'ready', ready: true, effects: ['notifyReady'] });
    const again = next(first.after, { type: 'ReloadRequested' }, moment());
    expect(follow(again.state, { type: 'BootSucceeded', published: true }).effects).toEqual([]);
  });
});

describe('during a boot', () => {
  test('the checksum of the CONTEXT is stored', () => {
    expect(follow(booting, { type: 'ContextRead', sha256: 'def' }).after.context).toBe('def');
  });

  test('the gate closes before Flower stops', () => {
    expect(follow({ ...booting, ready: true }, { type: 'NotServing' })).toMatchObject({
      stage: 'booting',
      ready: false,
    });
  });

  test.each(['ContextChanged', 'ReloadRequested', 'SuperLinkMoved'] as const)(
    '%s cancels it once, and it starts again',
    (type) => {
      const cancelled = follow(booting, { type });
      expect(cancelled).toMatchObject({ stage: 'booting', effects: ['cancelBoot'] });
      expect(follow(cancelled.after, { type }).effects).toEqual([]);
      const again = follow(cancelled.after, { type: 'BootCancelled' });
      expect(again).toMatchObject({ stage: 'booting', effects: ['startBoot'] });
      const causes = { ContextChanged: 'context', ReloadRequested: 'reload', SuperLinkMoved: 'superlink' };
      expect(again.after).toMatchObject({ cause: causes[type] });
      expect(again.after).not.toHaveProperty('restart');
    },
  );

  test('a boot that ends before it is cancelled starts again, too', () => {
    const { after } = follow(booting, { type: 'ContextChanged' });
    expect(follow(after, { type: 'BootSucceeded', published: true })).toMatchObject({
      stage: 'booting',
      ready: true,
      effects: ['startBoot'],
    });
    expect(follow(after, bootFailed({ contextAtFault: true }))).toMatchObject({
      stage: 'booting',
      ready: false,
      effects: ['startBoot'],
    });
  });

  test.each(['FlowerServes', 'WaitsWithoutEnd'] as const)(
    '%s notifies systemd, once, whatever the boot waits for',
    (type) => {
      const first = follow(START.state, { type });
      expect(first).toMatchObject({ stage: 'booting', ready: false, effects: ['notifyReady'] });
      expect(follow(first.after, { type }).effects).toEqual([]);
      expect(follow(first.after, { type: 'BootSucceeded', published: true }).effects).toEqual([]);
    },
  );

  test('events of other states change nothing', () => {
    for (const type of [
      'LinkUp',
      'LinkTimeout',
      'RenewalDue',
      'ClockChanged',
      'RetryDue',
      'PartitionMoved',
      'PendingDue',
    ] as const)
      expect(next(booting, { type }, moment())).toEqual({ state: booting, effects: [] });
  });
});

describe('a boot that succeeds', () => {
  test('without publishing keeps the gate closed; each retry is later than the one before', () => {
    const pauses: number[] = [];
    let state: AgentState = START.state;
    for (let at = 0; at < 8; at++) {
      state = next(state, { type: 'BootSucceeded', published: false }, moment()).state;
      expect(state).toMatchObject({ stage: 'ready', ready: false });
      pauses.push(state.stage === 'ready' ? state.retryAt! : 0);
      state = next(state, { type: 'RetryDue' }, moment()).state;
    }
    expect(pauses).toEqual([15, 30, 60, 120, 240, 300, 300, 300].map((seconds) => seconds * 1_000));
  });

  test('resets the pause', () => {
    const { after } = follow({ ...booting, unfinished: 4 }, { type: 'BootSucceeded', published: true });
    expect(after.unfinished).toBe(0);
    expect(after).not.toHaveProperty('retryAt');
  });
});

describe('a boot that fails', () => {
  test('ends the agent when nothing serves, so that systemd starts it again', () => {
    const { after, effects } = follow(booting, bootFailed());
    expect(effects).toEqual(['publishFailure', 'leave']);
    expect(follow(after, { type: 'FailurePublished' })).toMatchObject({
      stage: 'stopped',
      after: { exit: EXIT.failed },
      effects: ['notifyStopping'],
    });
  });

  test('because of the CONTEXT ends the agent until the CONTEXT changes, and the Flower that waits for a plan', () => {
    const { after, effects } = follow(booting, bootFailed({ contextAtFault: true }));
    expect(effects).toEqual(['publishFailure', 'stopPendingFlower', 'leave']);
    expect(follow(after, { type: 'FailurePublished' }).after).toMatchObject({ exit: EXIT.badContext });
  });

  test('is followed by another boot when the CONTEXT is corrected before the agent has ended', () => {
    expect(follow(leaving, { type: 'ContextChanged' })).toMatchObject({
      stage: 'booting',
      effects: ['startBoot'],
    });
  });

  test.each([
    ['it was ready', { ready: true }, {}],
    ['the checkpoint has its publication', { ready: false }, { publishedBefore: true }],
  ])('does not stop a Flower that serves: %s', (_, state, facts) => {
    const { after, effects, stage, ready } = follow(
      { ...booting, ...state },
      bootFailed({ flowerUp: true, ...facts }),
    );
    expect({ stage, ready, effects }).toEqual({ stage: 'failed', ready: true, effects: ['publishFailure'] });
    expect(after).toMatchObject({ retryAt: 15_000 });
  });

  test.each([true, false])(
    'because Flower has ended for good is not retried: the agent stays for a reload (systemd notified before: %s)',
    (notified) => {
      const facts = { endedForGood: true, planned: true, publishedBefore: true };
      const { after, effects, stage, ready } = follow({ ...booting, notified }, bootFailed(facts));
      expect({ stage, ready }).toEqual({ stage: 'failed', ready: false });
      expect(effects).toEqual(notified ? ['publishFailure'] : ['publishFailure', 'notifyReady']);
      expect(after).toMatchObject({ notified: true, served: false });
      expect(after).not.toHaveProperty('exit');
      expect(after).not.toHaveProperty('retryAt');
      for (const type of ['ReloadRequested', 'ContextChanged'] as const)
        expect(follow(after, { type }).effects).toEqual(['startBoot']);
    },
  );

  test('because of the CONTEXT, while Flower serves, is not retried before the CONTEXT changes', () => {
    const serving = { ...booting, ready: true };
    const { after } = follow(serving, bootFailed({ flowerUp: true, contextAtFault: true }));
    expect(after).not.toHaveProperty('retryAt');
    expect(after).not.toHaveProperty('exit');
  });

  test.each([
    ['this boot has made a plan', { planned: true, flowerUp: true, publishedBefore: true }],
    ['Flower does not serve', { flowerUp: false, publishedBefore: true }],
    ['nothing was ever published', { flowerUp: true, publishedBefore: false }],
  ])('closes the gate: %s', (_, facts) => {
    expect(follow(booting, bootFailed(facts))).toMatchObject({
      ready: false,
      effects: ['publishFailure', 'leave'],
    });
  });
});

describe('after a boot', () => {
  test.each([
    ['ContextChanged', 'context'],
    ['ReloadRequested', 'reload'],
    ['RenewalDue', 'renewal'],
    ['ClockChanged', 'clock'],
    ['RetryDue', 'retry_publish'],
    ['PartitionMoved', 'partition'],
    ['PendingDue', 'pending'],
  ] as const)('%s starts another one, from ready and from disconnected', (type, cause) => {
    for (const state of [ready, disconnected]) {
      const { state: after, effects } = next(state, { type }, moment());
      expect(after).toMatchObject({ stage: 'booting', cause });
      expect(effects).toEqual([{ type: 'startBoot', cause }]);
    }
  });

  test('a change that waits is part of the state until the next boot decides about it', () => {
    const pending = { reason: 'a new certificate', since: new Date(0), because: 'run 1 is running' };
    const booting = { ...EXAMPLES.booting, ready: true };
    const waits = follow(booting, { type: 'BootSucceeded', published: true, pending }).after;
    expect(waits).toMatchObject({ stage: 'ready', ready: true, pending });
    const lost = follow(waits, { type: 'LinkDown', reason: 'reset' }).after;
    expect(lost).toMatchObject({ stage: 'disconnected', pending });
    const again = follow(lost, { type: 'PendingDue' }).after;
    expect(again).not.toHaveProperty('pending');
    expect(follow(again, { type: 'BootSucceeded', published: true }).after).not.toHaveProperty('pending');
  });

  test('a lost connection closes the gate; its return opens it if everything is published', () => {
    const lost = follow(ready, { type: 'LinkDown', reason: 'reset' }, moment(700));
    expect(lost).toMatchObject({ stage: 'disconnected', ready: false, effects: [], after: { since: 700 } });
    expect(follow(lost.after, { type: 'LinkUp' }).after).toEqual(ready);
    const { after } = follow(unpublished, { type: 'LinkDown', reason: 'reset' });
    expect(follow(after, { type: 'LinkUp' })).toMatchObject({ stage: 'ready', ready: false });
  });

  test('a connection that stays lost starts a boot', () => {
    expect(follow(disconnected, { type: 'LinkTimeout' })).toMatchObject({
      stage: 'booting',
      effects: ['startBoot'],
      after: { cause: 'link' },
    });
  });
});

describe('after a failure', () => {
  test.each([
    ['ContextChanged', 'context'],
    ['ReloadRequested', 'reload'],
    ['RetryDue', 'retry_failed'],
  ] as const)('%s starts a boot', (type, cause) => {
    expect(next(failed, { type }, moment()).effects).toEqual([{ type: 'startBoot', cause }]);
  });

  test('a lost Flower closes the gate, and its return opens it', () => {
    const lost = follow(wrongContext, { type: 'LinkDown', reason: 'x' });
    expect(lost).toMatchObject({ stage: 'failed', ready: false });
    expect(follow(lost.after, { type: 'LinkUp' }).after).toEqual(wrongContext);
  });

  test('a Flower that did not serve does not open it', () => {
    expect(follow(leaving, { type: 'LinkUp' }).after).toBe(leaving);
  });

  test('its publication changes nothing while Flower serves', () => {
    expect(follow(wrongContext, { type: 'FailurePublished' }).stage).toBe('failed');
  });
});

describe('a stop request', () => {
  test.each([ready, disconnected, failed, leaving])('ends the agent with status 0: %j', (state) => {
    expect(follow(state, { type: 'StopRequested' })).toMatchObject({
      stage: 'stopped',
      effects: ['notifyStopping'],
      after: { exit: EXIT.ok },
    });
  });

  test('cancels a boot first', () => {
    expect(follow(booting, { type: 'StopRequested' }).effects).toEqual(['cancelBoot', 'notifyStopping']);
  });

  test('is the last event', () => {
    expect(next(stopped, { type: 'ContextChanged' }, moment())).toEqual({ state: stopped, effects: [] });
  });
});

describe('time alone', () => {
  test.each([
    ['a connection lost for a moment', disconnected, disconnected.since + LINK_TIMEOUT_MS - 1, undefined],
    ['a connection lost for long', disconnected, disconnected.since + LINK_TIMEOUT_MS, 'LinkTimeout'],
    ['unpublished attributes, too early', unpublished, unpublished.retryAt - 1, undefined],
    ['unpublished attributes', unpublished, unpublished.retryAt, 'RetryDue'],
    ['a failed boot', failed, failed.retryAt, 'RetryDue'],
    ['a wrong CONTEXT', wrongContext, 1e9, undefined],
    ['a certificate that is due', { ...ready, renewAt: new Date('2029-12-31') }, 0, 'RenewalDue'],
    ['a certificate that is not due', { ...ready, renewAt: new Date('2031-01-01') }, 0, undefined],
    ['a boot', booting, 1e9, undefined],
  ] as const)('brings about for %s: event %#', (_, state, at, type) => {
    expect(dueEvent(state, moment(at))?.type).toBe(type);
  });
});

describe('the verdict', () => {
  test.each([
    [undefined, { ...booting, ready: true }],
    ['serves', ready],
    [undefined, unpublished],
    [undefined, disconnected],
    ['serves', failed],
    ['failed', { ...failed, ready: false }],
    ['failed', { ...stopped, exit: EXIT.failed }],
    ['serves', { ...stopped, ready: true }],
    [undefined, stopped],
  ] as const)('is %s of %j', (verdict, state) => expect(verdictOf(state)).toBe(verdict));
});
