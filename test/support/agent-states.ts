// One example of each state of the agent, for its tests and for the table in docs/architecture.md.
import type { AgentState } from '../../src/agent/life.ts';
import { NO_TROUBLES } from '../../src/agent/troubles.ts';
import type { Supervision } from '../../src/boot/step.ts';
import { EXIT } from '../../src/core/exit.ts';

type Of<Stage extends AgentState['stage']> = Extract<AgentState, { readonly stage: Stage }>;
type Booting = Of<'booting'>;
type Ready = Of<'ready'>;
type Disconnected = Of<'disconnected'>;
type Failed = Of<'failed'>;

const common = { ready: false, context: 'abc', notified: true, unfinished: 0, ...NO_TROUBLES };
const ready: Ready = { ...common, stage: 'ready', ready: true, published: true };

export const EXAMPLES = {
  booting: { ...common, stage: 'booting', cause: 'link' } satisfies Booting as Booting,
  ready,
  unpublished: { ...ready, ready: false, published: false, retryAt: 1_000 },
  disconnected: {
    ...ready,
    stage: 'disconnected',
    ready: false,
    since: 5_000,
    reason: 'reset',
  } satisfies Disconnected as Disconnected,
  /** READY is withdrawn: Flower hung, or ended again and again. */
  withdrawn: {
    ...ready,
    stage: 'disconnected',
    ready: false,
    since: 5_000,
    reason: 'no answer',
    withdrawn: 'flower_hung',
    troubles: [{ code: 'flower_hung', found: 'no answer', at: 5_000 }],
  } satisfies Disconnected as Disconnected,
  failed: {
    ...common,
    stage: 'failed',
    ready: true,
    served: true,
    retryAt: 9_000,
  } satisfies Failed as Failed & {
    readonly retryAt: number;
  },
  wrongContext: { ...common, stage: 'failed', ready: true, served: true } satisfies Failed as Failed,
  leaving: { ...common, stage: 'failed', served: false, exit: EXIT.badContext } satisfies Failed as Failed,
  stopped: { ...common, stage: 'stopped', exit: EXIT.ok },
} as const satisfies Record<string, AgentState>;

/** What a boot gets from the supervision of a Flower with which nothing is wrong. */
export const UNTROUBLED: Supervision = { error: () => undefined, heldMs: () => 0 };
