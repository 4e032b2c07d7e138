// The table of the agent's states in docs/architecture.md, computed by `next` itself.
import type { AgentEvent, AgentState } from '../../src/agent/life.ts';
import { next } from '../../src/agent/state.ts';
import { EXAMPLES } from '../../test/support/agent-states.ts';

const failed = { planned: false, publishedBefore: true } as const;

const EVENTS: readonly (readonly [label: string, event: AgentEvent])[] = [
  ['ContextRead', { type: 'ContextRead', sha256: 'def' }],
  ['NotServing', { type: 'NotServing' }],
  ['BootSucceeded, published', { type: 'BootSucceeded', published: true }],
  ['BootSucceeded, not published', { type: 'BootSucceeded', published: false }],
  [
    'BootFailed, CONTEXT at fault, Flower serves',
    { type: 'BootFailed', ...failed, contextAtFault: true, flowerUp: true },
  ],
  ['BootFailed, CONTEXT at fault', { type: 'BootFailed', ...failed, contextAtFault: true, flowerUp: false }],
  ['BootFailed, Flower serves', { type: 'BootFailed', ...failed, contextAtFault: false, flowerUp: true }],
  ['BootFailed', { type: 'BootFailed', ...failed, contextAtFault: false, flowerUp: false }],
  [
    'BootFailed, Flower has ended for good',
    { type: 'BootFailed', ...failed, contextAtFault: false, flowerUp: false, endedForGood: true },
  ],
  ['BootCancelled', { type: 'BootCancelled' }],
  ['LinkDown', { type: 'LinkDown', reason: '' }],
  ['LinkUp', { type: 'LinkUp' }],
  ['LinkTimeout', { type: 'LinkTimeout' }],
  ['ContextChanged', { type: 'ContextChanged' }],
  ['ReloadRequested', { type: 'ReloadRequested' }],
  ['RenewalDue', { type: 'RenewalDue' }],
  ['ClockChanged', { type: 'ClockChanged' }],
  ['RetryDue', { type: 'RetryDue' }],
  ['PartitionMoved', { type: 'PartitionMoved' }],
  ['PendingDue', { type: 'PendingDue' }],
  [
    'FlowerEnded for the third time',
    {
      type: 'FlowerEnded',
      end: { unit: '', result: 'signal', status: 9, lines: [], outOfMemory: false },
    },
  ],
  ['NotAnswering, hung', { type: 'NotAnswering', found: '', hung: true }],
  ['NotAnswering', { type: 'NotAnswering', found: '', hung: false }],
  ['AttributesAltered', { type: 'AttributesAltered', found: '' }],
  ['SuperLinkMoved', { type: 'SuperLinkMoved' }],
  ['FlowerServes', { type: 'FlowerServes' }],
  ['FailurePublished', { type: 'FailurePublished' }],
  ['StopRequested', { type: 'StopRequested' }],
];

const STATES: readonly (readonly [label: string, state: AgentState])[] = [
  ['booting', { ...EXAMPLES.booting, notified: false }],
  ['ready', EXAMPLES.ready],
  ['disconnected', EXAMPLES.disconnected],
  ['disconnected, READY withdrawn', EXAMPLES.withdrawn],
  ['failed, Flower serves', EXAMPLES.failed],
  ['failed, CONTEXT at fault, Flower serves', EXAMPLES.wrongContext],
  ['failed, Flower lost', { ...EXAMPLES.wrongContext, ready: false }],
  ['failed, nothing serves', EXAMPLES.leaving],
];

const NOTED = { FlowerEnded: true, NotAnswering: true, AttributesAltered: true };

const MOMENT = { monotonicMs: 0, now: new Date(0), random: 0 };

/** One row for each state and event that change something; events with the same result share a row. */
export function stateTable(): string {
  const rows = STATES.flatMap(([label, state]) => {
    const results = new Map<string, string[]>();
    for (const [name, event] of EVENTS) {
      const given = event.type === 'FlowerEnded' ? { ...state, ends: [0, 0] } : state;
      const { state: after, effects } = next(given, event, MOMENT);
      const noted = event.type in NOTED ? `, noted: ${after.troubles.at(-1)?.code}` : '';
      if (after === given && effects.length === 0) continue;
      // No time is set for a retry in this state.
      if (event.type === 'RetryDue' && state.stage === 'failed' && state.retryAt === undefined) continue;
      const result = `${describe(after)}${noted} | ${effects.map(({ type }) => type).join(', ') || '-'}`;
      results.set(result, [...(results.get(result) ?? []), name]);
    }
    return [...results].map(([result, events]) => `| ${label} | ${events.join('; ')} | ${result} |`);
  });
  return ['| State | Event | Next state | Effects |', '|---|---|---|---|', ...rows].join('\n');
}

function describe(state: AgentState): string {
  const facts = [
    state.ready ? 'gate open' : 'gate closed',
    ...('restart' in state && state.restart !== undefined ? ['cancelled'] : []),
    ...('retryAt' in state && state.retryAt !== undefined ? ['retry later'] : []),
    ...('exit' in state && state.exit !== undefined ? [`exit ${state.exit}`] : []),
  ];
  return `${state.stage}${state.stage === 'booting' && !facts.includes('cancelled') ? ` (${state.cause})` : ''}: ${facts.join(', ')}`;
}
