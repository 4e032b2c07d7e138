import { describe, expect, it } from 'vitest';
import { parseFlowerState } from '../../../src/flower/state-file.ts';

/** As the launcher wrote it for a SuperNode with Flower 1.39.0. */
const written = {
  version: 1,
  pid: 29904,
  plan: 'aab1464ea1eebed90cc6be3f47ef107ade9cf4dd1d7983b0ed16287d3988a574',
  phase: 'accepted',
  since: '2026-11-21T06:56:18.342Z',
  node_id: '16165990052757812719',
  detail: 'the SuperLink at 127.35.0.2:9092 has accepted this node as 16165990052757812719',
  grpc: { server: [], client: [['grpc.keepalive_time_ms', 10000]] },
};

describe('the link file', () => {
  it('is read as the launcher writes it, with the node id whole', () => {
    expect(parseFlowerState(JSON.stringify(written))).toEqual(written);
  });

  it('may have members that this agent does not read', () => {
    expect(parseFlowerState(JSON.stringify({ ...written, later: true }))).toEqual(written);
  });

  it.each([
    ['nothing', ''],
    ['half a file', JSON.stringify(written).slice(0, 80)],
    ['another phase', JSON.stringify({ ...written, phase: 'fine' })],
    ['a number for the node id, which JSON cannot hold exactly', JSON.stringify({ ...written, node_id: 1 })],
    ['no checksum', JSON.stringify({ ...written, plan: 'x' })],
    ['a list', '[]'],
  ])('is ignored when it contains %s', (_, text) => {
    expect(parseFlowerState(text)).toBeUndefined();
  });
});
