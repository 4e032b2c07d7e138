// A Flower that served and does not any more, as events: what the agent withdraws, restarts, holds back and forgets.
import { describe, expect, test } from 'vitest';
import type { AgentEvent, AgentState, Moment } from '../../../src/agent/life.ts';
import { dueEvent, next, START, start } from '../../../src/agent/state.ts';
import { errorOf, heldUntil, NO_TROUBLES, problemOf, withEnd } from '../../../src/agent/troubles.ts';
import { EXAMPLES } from '../../support/agent-states.ts';

const { booting, ready, disconnected, withdrawn, failed, wrongContext, leaving } = EXAMPLES;
const MINUTE = 60_000;

const moment = (monotonicMs = 0): Moment => ({ monotonicMs, now: new Date('2030-01-01'), random: 1 });
const end = (more: object = {}): Extract<AgentEvent, { type: 'FlowerEnded' }> => ({
  type: 'FlowerEnded',
  end: {
    unit: 'flower-superlink.service',
    result: 'signal',
    status: 9,
    lines: ['its last words'],
    outOfMemory: false,
    ...more,
  },
});
const notAnswering = (hung: boolean): AgentEvent => ({ type: 'NotAnswering', found: 'no answer', hung });

interface Outcome {
  readonly state: AgentState;
  /** The effects, with the code of a withdrawal. */
  readonly effects: readonly string[];
}

/** Events at their moments in ms, one after the other; the effects of all of them. */
function live(from: AgentState, events: readonly (readonly [at: number, event: AgentEvent])[]): Outcome {
  return events.reduce<Outcome>(
    ({ state, effects }, [at, event]) => {
      const after = next(state, event, moment(at));
      const names = after.effects.map((effect) =>
        effect.type === 'unpublish' ? `unpublish ${effect.code}` : effect.type,
      );
      return { state: after.state, effects: [...effects, ...names] };
    },
    { state: from, effects: [] },
  );
}

const codes = ({ troubles }: AgentState): string[] => troubles.map(({ code }) => code);

describe('an end of Flower', () => {
  const outage = (at: number, more: object = {}): [number, AgentEvent][] => [
    [at, { type: 'LinkDown', reason: 'its process is gone' }],
    [at, end(more)],
    [at + 11_000, { type: 'LinkUp' }],
  ];

  test('that systemd repairs within seconds changes nothing on OneGate, and neither does a second one', () => {
    const { state, effects } = live(ready, [...outage(0), ...outage(MINUTE)]);
    expect(effects).toEqual([]);
    expect(state).toMatchObject({ stage: 'ready', ready: true, troubles: [], ends: [0, MINUTE] });
  });

  test('for the third time within ten minutes withdraws READY, and its return is a boot', () => {
    const { state, effects } = live(
      ready,
      [0, 14_000, 28_000].flatMap((at) => outage(at)),
    );
    expect(effects).toEqual(['unpublish flower_crash_loop', 'startBoot']);
    expect(state).toMatchObject({ stage: 'booting', cause: 'flower', ready: false });
    const problem = problemOf(state.troubles[0]!);
    expect(problem).toMatchObject({ code: 'flower_crash_loop', severity: 'fatal' });
    expect(problem.facts.found).toBe(
      '3 ends within 1 min; the last: flower-superlink.service ended with Result=signal, status 9; its last lines:\n    its last words',
    );
  });

  test.each([1_000, 14_000, 97_000 / 7])(
    'that comes %d ms after the last one is counted, however short it was',
    (every) => {
      const { state } = live(
        ready,
        [0, 1, 2].map((times) => [times * every, end()]),
      );
      expect(codes(state)).toEqual(['flower_crash_loop']);
    },
  );

  test('for the third time within more than ten minutes is no loop', () => {
    const { effects, state } = live(
      ready,
      [0, 5, 10].flatMap((minutes) => outage(minutes * MINUTE)),
    );
    expect(effects).toEqual([]);
    expect(state.ends).toEqual([5 * MINUTE, 10 * MINUTE]);
  });

  test.each([
    ['watchdog', {}, 'flower_hung'],
    ['oom-kill', {}, 'flower_out_of_memory'],
    ['signal', { outOfMemory: true }, 'flower_out_of_memory'],
  ])('by %s is a problem at once: %j', (result, more, code) => {
    const { state, effects } = live(ready, outage(0, { result, ...more }));
    expect(effects).toEqual([`unpublish ${code}`, 'startBoot']);
    expect(codes(state)).toEqual([code]);
    expect(errorOf(state, true)).toBe(code);
  });

  test('that is noticed when Flower is back already withdraws READY, too', () => {
    const { state, effects } = live({ ...ready, ends: [0, 1] }, [[2, end()]]);
    expect(effects).toEqual(['unpublish flower_crash_loop']);
    expect(state).toMatchObject({ stage: 'disconnected', ready: false, withdrawn: 'flower_crash_loop' });
  });

  test('after a loop withdraws again, whenever a boot has published meanwhile', () => {
    const looping = {
      ...ready,
      ends: [0, 1, 2],
      troubles: [{ code: 'flower_crash_loop', found: '', at: 2 }],
    } as const;
    const { effects } = live(looping, [[3, { type: 'LinkDown', reason: 'gone' }]]);
    expect(effects).toEqual(['unpublish flower_crash_loop']);
  });

  test('during a boot is noted for it', () => {
    const { state, effects } = live(booting, [
      [0, end()],
      [1, end()],
      [2, end()],
    ]);
    expect(effects).toEqual([]);
    expect(state.stage).toBe('booting');
    expect(errorOf(state, false)).toBe('flower_crash_loop');
  });

  test('after a failed boot that left Flower as it was withdraws READY for good', () => {
    const { state, effects } = live({ ...wrongContext, ends: [0, 1] }, [
      [2, { type: 'LinkDown', reason: 'gone' }],
      [2, end()],
      [3, { type: 'LinkUp' }],
    ]);
    expect(effects).toEqual(['unpublish flower_crash_loop']);
    expect(state).toMatchObject({ stage: 'failed', ready: false, served: false });
  });
});

describe('a VM in a crash loop', () => {
  const looping = live(
    ready,
    [0, 1, 2].map((at) => [at, end()]),
  ).state;

  test('is held until Flower has run for three minutes', () => {
    expect(heldUntil(looping, 2)).toBe(2 + 3 * MINUTE);
    expect(heldUntil(looping, 2 + 3 * MINUTE)).toBeUndefined();
    expect(heldUntil(ready, 0)).toBeUndefined();
  });

  test('is held longer after each end', () => {
    const { state } = live(looping, [[MINUTE, end()]]);
    expect(heldUntil(state, MINUTE)).toBe(4 * MINUTE);
  });

  test('has no problem any more when a boot has published it', () => {
    const { state } = live({ ...booting, ...pick(looping) }, [
      [4 * MINUTE, { type: 'BootSucceeded', published: true }],
    ]);
    expect(state).toMatchObject({ stage: 'ready', ready: true, troubles: [] });
    const again = live(state, [[5 * MINUTE, end()]]);
    expect(again.effects).toEqual(['unpublish flower_crash_loop']);
  });

  test('is passed to the next process of the agent', () => {
    const earlier = [0, 1, 2].reduce((before, at) => withEnd(before, end().end, at), NO_TROUBLES);
    const { state } = start(earlier);
    expect(heldUntil(state, 3)).toBe(2 + 3 * MINUTE);
    expect(START.state.ends).toEqual([]);
  });

  test('gets no boot for an outage of some seconds, since READY is withdrawn already', () => {
    const { state } = live(looping, []);
    expect(dueEvent(state, moment(40_000))).toBeUndefined();
    expect(dueEvent(state, moment(46_000))?.type).toBe('LinkTimeout');
  });
});

const pick = ({ ends, troubles }: AgentState) => ({ ends, troubles });

describe('a Flower that does not answer', () => {
  test('and hangs is withdrawn and restarted; its return is a boot', () => {
    const { state, effects } = live(ready, [
      [0, notAnswering(true)],
      [20_000, { type: 'LinkUp' }],
    ]);
    expect(effects).toEqual(['unpublish flower_hung', 'restartFlower', 'startBoot']);
    expect(state).toMatchObject({ stage: 'booting', cause: 'flower' });
    expect(problemOf(state.troubles[0]!)).toMatchObject({ code: 'flower_hung', severity: 'degraded' });
  });

  test('but works inside is withdrawn and not restarted', () => {
    const { effects, state } = live(ready, [[0, notAnswering(false)]]);
    expect(effects).toEqual(['unpublish health_check_timeout']);
    expect(
      codes(
        live(state, [
          [1, { type: 'LinkUp' }],
          [2, { type: 'BootSucceeded', published: true }],
        ]).state,
      ),
    ).toEqual([]);
  });

  test('after it was lost is withdrawn then', () => {
    expect(live(disconnected, [[0, notAnswering(true)]]).effects).toEqual([
      'unpublish flower_hung',
      'restartFlower',
    ]);
  });

  test('is withdrawn once', () => {
    expect(live(withdrawn, [[9_000, notAnswering(true)]]).effects).toEqual(['restartFlower']);
  });

  test('during a boot is left to the boot, which calls it, too', () => {
    expect(next(booting, notAnswering(true), moment())).toEqual({ state: booting, effects: [] });
  });

  test.each([failed, wrongContext])('after a failed boot is withdrawn and restarted: %#', (state) => {
    const outcome = live(state, [
      [0, notAnswering(true)],
      [1, { type: 'LinkUp' }],
    ]);
    expect(outcome.effects).toEqual(['unpublish flower_hung', 'restartFlower']);
    expect(outcome.state).toMatchObject({ ready: false });
  });

  test('is no news for an agent that ends', () => {
    expect(live(leaving, [[0, notAnswering(true)]]).effects).toEqual([]);
  });
});

describe('attributes that somebody else has changed', () => {
  const altered: AgentEvent = { type: 'AttributesAltered', found: 'FL_READY from YES to NO' };

  test('are published again by a boot, and the problem goes to OneGate', () => {
    const { state, effects } = live(ready, [[0, altered]]);
    expect(effects).toEqual(['startBoot']);
    expect(state).toMatchObject({ stage: 'booting', cause: 'attributes', ready: true });
    expect(errorOf(state, true)).toBe('peer_suspicious');
    expect(problemOf(state.troubles[0]!)).toMatchObject({ severity: 'degraded' });
  });

  test.each([booting, disconnected, withdrawn, failed])('are no news in another state: %#', (state) => {
    expect(next(state, altered, moment())).toEqual({ state, effects: [] });
  });
});

describe('an app that is killed for memory', () => {
  test('is a warning that OneGate does not get, and that is forgotten', () => {
    const { state, effects } = live(ready, [[0, { type: 'AppKilled', found: 'one' }]]);
    expect(effects).toEqual([]);
    expect(problemOf(state.troubles[0]!)).toMatchObject({ code: 'app_out_of_memory', severity: 'warning' });
    expect(errorOf(state, true)).toBeUndefined();
    expect(dueEvent(state, moment(10 * MINUTE - 1))).toBeUndefined();
    const over = live(state, [[10 * MINUTE, dueEvent(state, moment(10 * MINUTE))!]]);
    expect(over).toEqual({ state: { ...ready, troubles: [] }, effects: [] });
  });
});

describe('a problem of the past', () => {
  test.each([
    ['flower_hung', 10],
    ['flower_out_of_memory', 10],
    ['peer_suspicious', 60],
  ] as const)('%s is shown for %d minutes, and then a boot corrects FL_ERROR', (code, minutes) => {
    const state = { ...ready, troubles: [{ code, found: '', at: 0 }] };
    expect(dueEvent(state, moment(minutes * MINUTE - 1))).toBeUndefined();
    const due = dueEvent(state, moment(minutes * MINUTE))!;
    expect(due).toEqual({ type: 'TroubleOver' });
    const outcome = live(state, [[minutes * MINUTE, due]]);
    expect(outcome.effects).toEqual(['startBoot']);
    expect(outcome.state).toMatchObject({ stage: 'booting', cause: 'recovered', ready: true, troubles: [] });
  });
});

describe('a failed boot that left Flower as it was', () => {
  test('does not claim for ever that a Flower serves which is gone', () => {
    const { state } = live(wrongContext, [[0, { type: 'LinkDown', reason: 'gone' }]]);
    expect(dueEvent(state, moment(89_000))).toBeUndefined();
    const outcome = live(state, [[90_000, dueEvent(state, moment(90_000))!]]);
    expect(outcome.effects).toEqual(['publishFailure']);
    expect(outcome.state).toMatchObject({ ready: false, served: false });
    expect(live(outcome.state, [[91_000, { type: 'LinkUp' }]]).state).toMatchObject({ ready: false });
  });
});
