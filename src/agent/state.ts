// The life of the agent as one pure function: a state and an event give the next state and what is to be done.
// The supervisor turns the world into events and carries out the effects; status, journal and ready file are rendered
// from the state. `make generate` prints its table into docs/architecture.md.
import type { FailureFacts } from '../boot/boot.ts';
import { EXIT } from '../core/exit.ts';
import { backoff, withJitter } from '../core/jitter.ts';

/** Why the steps of the boot run. */
export type Cause =
  | 'start'
  | 'context'
  | 'reload'
  | 'retry_failed'
  | 'retry_publish'
  | 'renewal'
  | 'partition'
  | 'superlink'
  | 'clock'
  | 'link';

interface Common {
  /** Flower serves (was accepted) with what is published: what the ready script may succeed for. */
  readonly ready: boolean;
  /** SHA-256 of the CONTEXT that was read last; undefined before the first one. */
  readonly context: string | undefined;
  /** systemd knows that the unit has started. */
  readonly notified: boolean;
  /** Boots in a row that failed or did not publish: each makes the pause before the next one longer. */
  readonly unfinished: number;
}

interface Booting extends Common {
  readonly stage: 'booting';
  readonly cause: Cause;
  /** The boot is being cancelled, and starts again for this. */
  readonly restart?: Cause;
}

interface Ready extends Common {
  readonly stage: 'ready';
  readonly published: boolean;
  /** When publishing is tried again, in ms of the monotonic clock; undefined when it is done. */
  readonly retryAt?: number;
  readonly renewAt?: Date;
}

interface Disconnected extends Omit<Ready, 'stage'> {
  readonly stage: 'disconnected';
  /** Since when, in ms of the monotonic clock. */
  readonly since: number;
  readonly reason: string;
}

interface Failed extends Common {
  readonly stage: 'failed';
  /** Flower served when the boot failed: it is ready again when its connection is back. */
  readonly served: boolean;
  /** Undefined: not before the CONTEXT changes. */
  readonly retryAt?: number;
  /** Nothing serves: the agent ends with this status once the failure is published. */
  readonly exit?: number;
}

interface Stopped extends Common {
  readonly stage: 'stopped';
  readonly exit: number;
}

export type AgentState = Booting | Ready | Disconnected | Failed | Stopped;

export type AgentEvent =
  /** The boot under way has read the CONTEXT. */
  | { readonly type: 'ContextRead'; readonly sha256: string }
  /** The boot under way is about to stop Flower, or to withdraw what is published. */
  | { readonly type: 'NotServing' }
  | { readonly type: 'BootSucceeded'; readonly published: boolean; readonly renewAt?: Date | undefined }
  | ({ readonly type: 'BootFailed' } & FailureFacts)
  /** A cancelled boot has ended. */
  | { readonly type: 'BootCancelled' }
  | { readonly type: 'LinkDown'; readonly reason: string }
  | { readonly type: 'LinkUp' }
  | { readonly type: 'LinkTimeout' }
  | { readonly type: 'ContextChanged' }
  | { readonly type: 'ReloadRequested' }
  | { readonly type: 'RenewalDue' }
  /** The clock of this VM was set, and the certificates have to be judged again. */
  | { readonly type: 'ClockChanged' }
  | { readonly type: 'RetryDue' }
  | { readonly type: 'PartitionMoved' }
  /** The boot under way waits for a SuperLink that has another address, TLS mode or CA by now. */
  | { readonly type: 'SuperLinkMoved' }
  /** Flower serves, whatever the boot under way waits for. */
  | { readonly type: 'FlowerServes' }
  /** The failure is published, and nothing has changed meanwhile. */
  | { readonly type: 'FailurePublished' }
  | { readonly type: 'StopRequested' };

export type Effect =
  | { readonly type: 'startBoot'; readonly cause: Cause }
  | { readonly type: 'cancelBoot' }
  /** To OneGate: FL_ERROR, and that nothing serves unless `serves`. */
  | { readonly type: 'publishFailure'; readonly serves: boolean }
  /** A Flower that waits for a plan gets none before the CONTEXT changes. */
  | { readonly type: 'stopPendingFlower' }
  /** Ends in FailurePublished, or in ContextChanged when the CONTEXT has changed meanwhile. */
  | { readonly type: 'leave' }
  | { readonly type: 'notifyReady' }
  | { readonly type: 'notifyStopping' };

/** What an event needs to know beside its own facts. */
export interface Moment {
  readonly monotonicMs: number;
  readonly now: Date;
  /** 0 <= x < 1, for jitter. */
  readonly random: number;
}

export interface Transition {
  readonly state: AgentState;
  readonly effects: readonly Effect[];
}

/** A connection that is lost for a moment comes back without a boot: Flower retries first. @internal */
export const LINK_TIMEOUT_MS = 15_000;
/** A boot that has not finished is tried again after this, doubled each time up to the maximum, with jitter. */
const RETRY_FIRST_MS = 15_000;
const RETRY_MAX_MS = 300_000;

export const START: Transition = {
  state: {
    stage: 'booting',
    cause: 'start',
    ready: false,
    context: undefined,
    notified: false,
    unfinished: 0,
  },
  effects: [{ type: 'startBoot', cause: 'start' }],
};

/** The next state, and what is to be done for it, in this order. An event that means nothing in a state changes nothing. */
export function next(state: AgentState, event: AgentEvent, moment: Moment): Transition {
  if (state.stage === 'stopped') return { state, effects: [] };
  if (event.type === 'StopRequested') return stop(state, EXIT.ok, state.stage === 'booting');
  // `systemctl restart` and `reload` wait for a unit that has not started, and its watchdog does not run.
  if (event.type === 'FlowerServes') return notify(state);
  switch (state.stage) {
    case 'booting':
      return whileBooting(state, event, moment);
    case 'ready':
      return event.type === 'LinkDown' ? disconnect(state, event.reason, moment) : whileServing(state, event);
    case 'disconnected':
      if (event.type === 'LinkUp') return reconnect(state);
      return event.type === 'LinkTimeout' ? boot(state, 'link') : whileServing(state, event);
    case 'failed':
      return afterFailure(state, event);
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
  { published, renewAt }: Extract<AgentEvent, { type: 'BootSucceeded' }>,
  moment: Moment,
): Transition {
  const unfinished = published ? 0 : state.unfinished + 1;
  return {
    state: {
      stage: 'ready',
      ...common(state),
      ready: published,
      published,
      notified: true,
      unfinished,
      ...(published ? {} : { retryAt: retryAt(unfinished, moment) }),
      ...(renewAt === undefined ? {} : { renewAt }),
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

const disconnect = ({ stage: _, ...state }: Ready, reason: string, { monotonicMs }: Moment): Transition =>
  only({ stage: 'disconnected', ...state, ready: false, since: monotonicMs, reason });

const reconnect = ({ stage: _, since, reason, ...state }: Disconnected): Transition =>
  only({ stage: 'ready', ...state, ready: state.published });

/** The events that begin a boot while Flower serves. */
const BOOTS: { readonly [T in AgentEvent['type']]?: Cause } = {
  ContextChanged: 'context',
  ReloadRequested: 'reload',
  RenewalDue: 'renewal',
  ClockChanged: 'clock',
  RetryDue: 'retry_publish',
  PartitionMoved: 'partition',
};

function whileServing(state: Ready | Disconnected, { type }: AgentEvent): Transition {
  const cause = BOOTS[type];
  return cause === undefined ? only(state) : boot(state, cause);
}

function afterFailure(state: Failed, event: AgentEvent): Transition {
  switch (event.type) {
    case 'ContextChanged':
      return boot(state, 'context');
    case 'ReloadRequested':
      return boot(state, 'reload');
    case 'RetryDue':
      return boot(state, 'retry_failed');
    case 'LinkDown':
      return only({ ...state, ready: false });
    case 'LinkUp':
      return only(state.served && !state.ready ? { ...state, ready: true } : state);
    case 'FailurePublished':
      return state.exit === undefined ? only(state) : stop(state, state.exit, false);
    default:
      return only(state);
  }
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

const common = ({ ready, context, notified, unfinished }: AgentState): Common => ({
  ready,
  context,
  notified,
  unfinished,
});

const retryAt = (unfinished: number, { monotonicMs, random }: Moment): number =>
  monotonicMs + withJitter(backoff(unfinished, RETRY_FIRST_MS, RETRY_MAX_MS), () => random);

/** What time alone brings about in a state. */
export function dueEvent(state: AgentState, { monotonicMs, now }: Moment): AgentEvent | undefined {
  if (state.stage === 'disconnected' && monotonicMs - state.since >= LINK_TIMEOUT_MS)
    return { type: 'LinkTimeout' };
  if (state.stage !== 'ready' && state.stage !== 'disconnected' && state.stage !== 'failed') return undefined;
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
