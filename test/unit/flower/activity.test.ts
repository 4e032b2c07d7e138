// When a SuperNode is idle.
import { expect, test } from 'vitest';
import { nodeActivity } from '../../../src/flower/activity.ts';

const NOW = new Date('2026-11-30T12:00:00Z');
const ago = (seconds: number): string => new Date(NOW.getTime() - seconds * 1_000).toISOString();

test.each([
  ['a message is open', { open: 1, last_at: ago(600) }, { busy: 'a message is being worked on' }],
  ['two are open', { open: 2, last_at: ago(5) }, { busy: '2 messages are being worked on' }],
  [
    'the last one was worked on a moment ago',
    { open: 0, last_at: ago(59) },
    { busy: 'it worked on a message 59 s ago' },
  ],
  ['none for a minute', { open: 0, last_at: ago(60) }, { idle: true }],
  ['none at all', { open: 0, last_at: null }, { idle: true }],
  ['the clock was set back by an hour', { open: 0, last_at: ago(-3_600) }, { idle: true }],
])('%s', (_, messages, activity) => {
  expect(nodeActivity({ messages }, NOW)).toEqual(activity);
});

test.each([undefined, null])('a launcher that says nothing (%s) is not taken for idle', (messages) => {
  expect(nodeActivity({ messages }, NOW)).toEqual({
    unknown: expect.stringContaining('does not report messages'),
  });
});
