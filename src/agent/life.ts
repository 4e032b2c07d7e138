// The words of the agent's life: its states, what happens to them, and what is done then. state.ts has the function.
import type { FailureFacts } from '../boot/boot.ts';
import type { FlowerEnd, TroubleCode, Troubles } from './troubles.ts';

/** Why the steps of the boot run. */
export type Cause =
  | 'start'
  | 'context'
  | 'reload'
  | 'retry_failed'
  | 'retry_publish'
  | 'renewal'
  | 'partition'
  | 'pending'
  | 'clock'
  | 'superlink'
  | 'link'
  | 'flower'
  | 'recovered'
  | 'attributes';

/** A change that waits for a restart of Flower. */
interface Pending {
  /** What differs, as a phrase. */
  readonly reason: string;
  readonly since: Date;
  /** What would be interrupted, as a clause. */
  readonly because: string;
}

export interface Common extends Troubles {
  /** Flower serves (was accepted) with what is published: what the ready script may succeed for. */
  readonly ready: boolean;
  /** SHA-256 of the CONTEXT that was read last; undefined before the first one. */
  readonly context: string | undefined;
  /** systemd knows that the unit has started. */
  readonly notified: boolean;
  /** Boots in a row that failed or did not publish: each makes the pause before the next one longer. */
  readonly unfinished: number;
}

export interface Booting extends Common {
  readonly stage: 'booting';
  readonly cause: Cause;
  /** The boot is being cancelled, and starts again for this. */
  readonly restart?: Cause;
}

export interface Ready extends Common {
  readonly stage: 'ready';
  readonly published: boolean;
  /** When publishing is tried again, in ms of the monotonic clock; undefined when it is done. */
  readonly retryAt?: number;
  readonly renewAt?: Date;
  readonly pending?: Pending;
}

export interface Disconnected extends Omit<Ready, 'stage'> {
  readonly stage: 'disconnected';
  /** Since when, in ms of the monotonic clock. */
  readonly since: number;
  readonly reason: string;
  /** What FL_ERROR on OneGate is meanwhile: READY is withdrawn. Undefined: OneGate still shows a VM that serves. */
  readonly withdrawn?: TroubleCode;
}

export interface Failed extends Common {
  readonly stage: 'failed';
  /** Flower served when the boot failed: it is ready again when its connection is back. */
  readonly served: boolean;
  /** Flower is lost since then, in ms of the monotonic clock. */
  readonly since?: number;
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
  | {
      readonly type: 'BootSucceeded';
      readonly published: boolean;
      readonly renewAt?: Date | undefined;
      readonly pending?: Pending | undefined;
    }
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
  /** The change that waits may be applied now, or has waited for too long. */
  | { readonly type: 'PendingDue' }
  /** The boot under way waits for a SuperLink that has another address, TLS mode or CA by now. */
  | { readonly type: 'SuperLinkMoved' }
  /** Flower serves, whatever the boot under way waits for. */
  | { readonly type: 'FlowerServes' }
  /** The boot under way waits for something that no limit ends. */
  | { readonly type: 'WaitsWithoutEnd' }
  /** A process of Flower or of SuperExec has ended, and nobody had asked for that. */
  | { readonly type: 'FlowerEnded'; readonly end: FlowerEnd }
  /** Flower's process runs, but calls get no answer. `hung`: it makes no progress at all. */
  | { readonly type: 'NotAnswering'; readonly found: string; readonly hung: boolean }
  /** The kernel has killed an app for memory; Flower goes on. */
  | { readonly type: 'AppKilled'; readonly found: string }
  /** OneGate shows other attributes of this VM than it has published. */
  | { readonly type: 'AttributesAltered'; readonly found: string }
  | { readonly type: 'TroubleOver' }
  /** The failure is published, and nothing has changed meanwhile. */
  | { readonly type: 'FailurePublished' }
  | { readonly type: 'StopRequested' };

export type Effect =
  | { readonly type: 'startBoot'; readonly cause: Cause }
  | { readonly type: 'cancelBoot' }
  /** To OneGate: FL_ERROR, and that nothing serves unless `serves`. */
  | { readonly type: 'publishFailure'; readonly serves: boolean }
  /** To OneGate: what serves although the last boot failed, with FL_ERROR of that failure. */
  | { readonly type: 'publishAgain' }
  /** To OneGate: nothing serves, for this reason. */
  | { readonly type: 'unpublish'; readonly code: TroubleCode }
  /** systemd's watchdog does the same, unless it has a reason not to. */
  | { readonly type: 'restartFlower' }
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
