import { describe, expect, it } from 'vitest';
import { type FlowerState, formatFlowerState, parseFlowerState } from '../../../src/flower/state-file.ts';

/** As the launcher wrote it for a SuperNode with Flower 1.39.0. */
const written: FlowerState = {
  version: 1,
  pid: 29904,
  started: 81_234_567,
  plan: 'aab1464ea1eebed90cc6be3f47ef107ade9cf4dd1d7983b0ed16287d3988a574',
  phase: 'accepted',
  since: '2026-11-21T06:56:18.342Z',
  node_id: '16165990052757812719',
  detail: 'the SuperLink at 127.35.0.2:9092 has accepted this node as 16165990052757812719',
  options: { server: [], client: [['grpc.keepalive_time_ms', 10000]] },
};

const formatted = (state: object): string => formatFlowerState(state as FlowerState);

describe('a record of the state file', () => {
  it('is read as the launcher writes it, with the node id whole', () => {
    expect(parseFlowerState(formatted(written))).toEqual(written);
  });

  it('may have members that this agent does not read', () => {
    expect(parseFlowerState(formatted({ ...written, later: true }))).toEqual(written);
  });

  it('has no plan while the launcher waits for one', () => {
    const waiting = { ...written, phase: 'waiting', plan: null, node_id: null };
    expect(parseFlowerState(formatted(waiting))).toEqual(waiting);
  });

  it('has a detail without control characters', () => {
    const state = parseFlowerState(formatted({ ...written, detail: 'a\nREADY=1\u001b[2J\u2028b' }));
    expect(state?.detail).toBe('a READY=1 b');
  });

  it('has a detail that is cut', () => {
    const state = parseFlowerState(formatted({ ...written, detail: 'x'.repeat(10_000) }));
    expect(state?.detail.length).toBeLessThanOrEqual(303);
  });

  it.each([
    ['nothing', ''],
    ['zeros', '\0'.repeat(4096)],
    ['half a record', formatted(written).slice(0, 4_000)],
    ['the JSON without its checksum', JSON.stringify(written)],
    [
      'half of one record and half of the next',
      formatted(written).slice(0, 1_000) + formatted({ ...written, phase: 'lost' }).slice(1_000),
    ],
    ['another phase', formatted({ ...written, phase: 'fine' })],
    ['a number for the node id, which JSON cannot hold exactly', formatted({ ...written, node_id: 1 })],
    ['a text that is not a checksum of a plan', formatted({ ...written, plan: 'x' })],
    ['no start time of its process', formatted({ ...written, started: undefined })],
    [
      'a thousand options',
      formatted({ ...written, options: { server: [], client: Array(1_000).fill(['grpc.a', 1]) } }),
    ],
    ['a list', formatted([])],
  ])('is ignored when it contains %s', (_, text) => {
    expect(parseFlowerState(text)).toBeUndefined();
  });
});
