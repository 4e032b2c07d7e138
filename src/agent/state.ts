// The life of the agent as one pure function: a state and an event give the next state and what is to be done.
// The supervisor turns the world into events and carries out the effects; status, journal and ready file are rendered
// from the state. `make generate` prints its table into docs/architecture.md.
import type { FailureFacts } from '../boot/boot.ts';
import { EXIT } from '../core/exit.ts';
import { backoff, withJitter } from '../core/jitter.ts';
import type {
  AgentEvent,
  AgentState,
  Booting,
  Cause,
  Common,
  Disconnected,
  Effect,
  Failed,
  Moment,
  Ready,
  Transition,
} from './life.ts';
import {
  errorOf,
  keepsEnding,
  NO_TROUBLES,
  served,
  someOver,
  type Troubles,
  withEnd,
  withoutOver,
  withTrouble,
} from './troubles.ts';

/** A connection that is lost for a moment comes back without a boot: Flower retries first. @internal */
export const LINK_TIMEOUT_MS = 15_000;
/** A boot that has not finished is tried again after this, doubled each time up to the maximum, with jitter. */
const RETRY_FIRST_MS = 15_000;
const RETRY_MAX_MS = 300_000;

/** READY is withdrawn already, and systemd stops a process that hangs, which takes some time, and starts another one. */
const WITHDRAWN_TIMEOUT_MS = 45_000;
/** After a failed boot that left Flower as it was: then OneGate no longer says that it serves. */
const LOST_TIMEOUT_MS = 90_000;

/** `earlier`: what an earlier process of the agent has seen since the VM was switched on. */
export const start = (earlier: Troubles): Transition => ({
  state: {
    stage: 'booting',
    cause: 'start',
    ready: false,
    context: undefined,
    notified: false,
    unfinished: 0,
    ...earlier,
  },
  effects: [{ type: 'startBoot', cause: 'start' }],
});

/** @internal */
export const START: Transition = start(NO_TROUBLES);

/** The next state, and what is to be done for it, in this order. An event that means nothing in a state changes nothing. */
export function next(before: AgentState, event: AgentEvent, moment: Moment): Transition {
  if (before.stage === 'stopped') return only(before);
  if (event.type === 'StopRequested') return stop(before, EXIT.ok, before.stage === 'booting');
  // `systemctl restart` and `reload` wait for a unit that has not started, and its watchdog does not run.
  if (event.type === 'FlowerServes' || event.type === 'WaitsWithoutEnd') return notify(before);
  const state = noting(before, event, moment);
  switch (state.stage) {
    case 'booting':
      return whileBooting(state, event, moment);
    case 'ready':
      return whileServing(state, event, moment);
    case 'disconnected':
      if (event.type === 'LinkUp')
        return state.withdrawn === undefined ? reconnect(state) : boot(state, 'flower');
      return event.type === 'LinkTimeout' ? boot(state, 'link') : whileServing(state, event, moment);
    case 'failed':
      return afterFailure(state, event, moment);
    default:
      return only(state);
  }
}

/** The state with what the event says of troubles, in whatever stage. What it changes else depends on the stage. */
function noting<S extends AgentState>(state: S, event: AgentEvent, { monotonicMs: at }: Moment): S {
  // The boot under way calls the Fleet API itself, and publishes.
  const watched = state.stage !== 'booting';
  switch (event.type) {
    case 'FlowerEnded':
      return withEnd(state, event.end, at);
    case 'AppKilled':
      return withTrouble(state, { code: 'app_out_of_memory', found: event.found, at });
    case 'NotAnswering': {
      const code = event.hung ? 'flower_hung' : 'health_check_timeout';
      return watched ? withTrouble(state, { code, found: event.found, at }) : state;
    }
    case 'AttributesAltered':
      return state.stage === 'ready' || (state.stage === 'failed' && state.ready)
        ? withTrouble(state, { code: 'peer_suspicious', found: event.found, at })
        : state;
    default:
      return state;
  }
}

function whileBooting(state: Booting, event: AgentEvent, moment: Moment): Transition {
  switch (event.type) {
    case 'ContextRead':
      return only({ ...state, context: event.sha256 });
    case 'NotServing':
      return only({ ...state, ready: false });
    case 'ContextChanged':
    case 'ReloadRequested':
    case 'SuperLinkMoved':
      if (state.restart !== undefined) return only(state);
      return {
        state: { ...state, restart: BOOTS[event.type] ?? 'superlink' },
        effects: [{ type: 'cancelBoot' }],
      };
    case 'BootCancelled':
      return boot(state, state.restart ?? state.cause);
    case 'BootSucceeded':
    case 'BootFailed':
      // It ended before it could be cancelled; what it did counts, and the reason to start again still holds.
      if (state.restart !== undefined) {
        const ready = event.type === 'BootSucceeded' ? event.published : serves(state, event);
        return boot({ ...state, ready }, state.restart);
      }
      return event.type === 'BootSucceeded' ? succeed(state, event, moment) : fail(state, event, moment);
    default:
      return only(state);
  }
}

function succeed(
  { restart: _, ...state }: Booting,
  { published, renewAt, pending }: Extract<AgentEvent, { type: 'BootSucceeded' }>,
  moment: Moment,
): Transition {
  const unfinished = published ? 0 : state.unfinished + 1;
  return {
    state: {
      stage: 'ready',
      ...common(state),
      troubles: published ? served(state.troubles) : state.troubles,
      ready: published,
      published,
      notified: true,
      unfinished,
      ...(published ? {} : { retryAt: retryAt(unfinished, moment) }),
      ...(renewAt === undefined ? {} : { renewAt }),
      ...(pending === undefined ? {} : { pending }),
    },
    effects: state.notified ? [] : [{ type: 'notifyReady' }],
  };
}

/** What served before still serves: this boot has not touched it, and it was published. */
const serves = ({ ready }: Booting, facts: FailureFacts): boolean =>
  !facts.planned && (ready || facts.publishedBefore) && facts.flowerUp;

function fail(state: Booting, facts: FailureFacts, moment: Moment): Transition {
  const ready = serves(state, facts);
  const unfinished = state.unfinished + 1;
  const failed = { stage: 'failed' as const, ...common(state), ready, served: ready, unfinished };
  const publish: Effect = { type: 'publishFailure', serves: ready };
  if (ready) {
    const later = facts.contextAtFault ? {} : { retryAt: retryAt(unfinished, moment) };
    return { state: { ...failed, ...later }, effects: [publish] };
  }
  // The agent stays, and systemd counts the unit as started: a reload or another CONTEXT starts Flower again.
  if (facts.endedForGood)
    return {
      state: { ...failed, notified: true },
      effects: state.notified ? [publish] : [publish, { type: 'notifyReady' }],
    };
  // After other failures Flower waits for the plan of the next try, which systemd starts.
  return {
    state: { ...failed, exit: facts.contextAtFault ? EXIT.badContext : EXIT.failed },
    effects: facts.contextAtFault
      ? [publish, { type: 'stopPendingFlower' }, { type: 'leave' }]
      : [publish, { type: 'leave' }],
  };
}

const notify = (state: AgentState): Transition =>
  state.notified ? only(state) : { state: { ...state, notified: true }, effects: [{ type: 'notifyReady' }] };

const disconnect = (
  { stage: _, ...state }: Ready | Disconnected,
  reason: string,
  { monotonicMs }: Moment,
): Disconnected => ({ since: monotonicMs, reason, ...state, stage: 'disconnected', ready: false });

const reconnect = ({ stage: _, since, reason, ...state }: Disconnected): Transition =>
  only({ stage: 'ready', ...state, ready: state.published });

/** READY is withdrawn at once, and a boot publishes it when Flower is back. Nothing is sent twice. */
function retract(state: Disconnected, restarts: boolean): Transition {
  const code = errorOf(state, false);
  const effects: Effect[] =
    code === undefined || code === state.withdrawn ? [] : [{ type: 'unpublish', code }];
  if (restarts) effects.push({ type: 'restartFlower' });
  return { state: code === undefined ? state : { ...state, withdrawn: code }, effects };
}

/** The events that begin a boot while Flower serves. */
const BOOTS: { readonly [T in AgentEvent['type']]?: Cause } = {
  ContextChanged: 'context',
  ReloadRequested: 'reload',
  RenewalDue: 'renewal',
  ClockChanged: 'clock',
  RetryDue: 'retry_publish',
  PartitionMoved: 'partition',
  PendingDue: 'pending',
};

function whileServing(state: Ready | Disconnected, event: AgentEvent, moment: Moment): Transition {
  switch (event.type) {
    case 'LinkDown': {
      if (state.stage === 'disconnected') return only(state);
      const down = disconnect(state, event.reason, moment);
      return keepsEnding(state) ? retract(down, false) : only(down);
    }
    case 'FlowerEnded':
      // A first end is an outage of some seconds; systemd starts Flower again.
      return isNew(state, moment) ? retract(disconnect(state, event.end.unit, moment), false) : only(state);
    case 'NotAnswering':
      return retract({ ...disconnect(state, event.found, moment), reason: event.found }, event.hung);
    case 'AttributesAltered':
      return state.stage === 'ready' ? boot(state, 'attributes') : only(state);
    case 'TroubleOver': {
      const { state: after, published } = withoutOver(state, moment.monotonicMs);
      return published && after.stage === 'ready' ? boot(after, 'recovered') : only(after);
    }
  }
  const cause = BOOTS[event.type];
  return cause === undefined ? only(state) : boot(state, cause);
}

/** Whether the end that was just noted is a trouble. */
const isNew = ({ troubles }: Troubles, { monotonicMs }: Moment): boolean =>
  troubles.some(({ at }) => at === monotonicMs);

function afterFailure(state: Failed, event: AgentEvent, moment: Moment): Transition {
  switch (event.type) {
    case 'ContextChanged':
      return boot(state, 'context');
    case 'ReloadRequested':
      return boot(state, 'reload');
    case 'RetryDue':
      return boot(state, 'retry_failed');
    case 'LinkDown':
      return only({ ...state, ready: false, since: moment.monotonicMs });
    case 'LinkUp': {
      const { since: _, ...back } = state;
      return only(state.served && !state.ready ? { ...back, ready: true } : state);
    }
    // Only a boot publishes READY=YES. So from now on this VM is ready again when a boot has succeeded.
    case 'LinkTimeout':
      if (state.ready || !state.served) return only(state);
      return {
        state: { ...state, served: false },
        effects: [{ type: 'publishFailure', serves: false }],
      };
    case 'FlowerEnded':
      return state.served && isNew(state, moment) ? giveUp(state, false) : only(state);
    case 'NotAnswering':
      return state.served ? giveUp(state, event.hung) : only(state);
    // A boot would fail as the last one did.
    case 'AttributesAltered':
      return state.ready ? { state, effects: [{ type: 'publishAgain' }] } : only(state);
    case 'TroubleOver':
      return only(withoutOver(state, moment.monotonicMs).state);
    case 'FailurePublished':
      return state.exit === undefined ? only(state) : stop(state, state.exit, false);
    default:
      return only(state);
  }
}

function giveUp(state: Failed, restarts: boolean): Transition {
  const code = errorOf(state, false);
  const effects: Effect[] = code === undefined ? [] : [{ type: 'unpublish', code }];
  if (restarts) effects.push({ type: 'restartFlower' });
  return { state: { ...state, ready: false, served: false }, effects };
}

function boot(state: AgentState, cause: Cause): Transition {
  return {
    state: { stage: 'booting', ...common(state), cause },
    effects: [{ type: 'startBoot', cause }],
  };
}

const stop = (state: AgentState, exit: number, cancels: boolean): Transition => ({
  state: { stage: 'stopped', ...common(state), exit },
  effects: [...(cancels ? [{ type: 'cancelBoot' } as const] : []), { type: 'notifyStopping' }],
});

const only = (state: AgentState): Transition => ({ state, effects: [] });

const common = ({ ready, context, notified, unfinished, ends, troubles }: AgentState): Common => ({
  ready,
  context,
  notified,
  unfinished,
  ends,
  troubles,
});

const retryAt = (unfinished: number, { monotonicMs, random }: Moment): number =>
  monotonicMs + withJitter(backoff(unfinished, RETRY_FIRST_MS, RETRY_MAX_MS), () => random);

/** What time alone brings about in a state. */
export function dueEvent(state: AgentState, { monotonicMs, now }: Moment): AgentEvent | undefined {
  if (state.stage === 'disconnected') {
    const limit = state.withdrawn === undefined ? LINK_TIMEOUT_MS : WITHDRAWN_TIMEOUT_MS;
    if (monotonicMs - state.since >= limit) return { type: 'LinkTimeout' };
  }
  if (state.stage !== 'ready' && state.stage !== 'disconnected' && state.stage !== 'failed') return undefined;
  if (state.stage === 'failed' && state.served && state.since !== undefined)
    if (monotonicMs - state.since >= LOST_TIMEOUT_MS) return { type: 'LinkTimeout' };
  if (state.stage !== 'disconnected' && someOver(state, monotonicMs)) return { type: 'TroubleOver' };
  if (state.retryAt !== undefined && monotonicMs >= state.retryAt) return { type: 'RetryDue' };
  if (state.stage !== 'failed' && state.renewAt !== undefined && now >= state.renewAt)
    return { type: 'RenewalDue' };
  return undefined;
}

/** Whether this VM serves, or its boot has failed; undefined while that is being decided. */
export function verdictOf(state: AgentState): 'serves' | 'failed' | undefined {
  // While booting, what served before may be about to be started again.
  if (state.stage === 'booting') return undefined;
  if (state.ready) return 'serves';
  const failed = state.stage === 'failed' || (state.stage === 'stopped' && state.exit !== EXIT.ok);
  return failed ? 'failed' : undefined;
}
