// Replies that are small enough to be received, and far too expensive to be parsed.
import { describe, expect, test } from 'vitest';
import { Problem } from '../../../src/core/problem.ts';
import { connectOneGate } from '../../../src/onegate/client.ts';
import { LIMITS, MOST_NODES, overLimits } from '../../../src/onegate/limits.ts';
import { parseService } from '../../../src/onegate/replies.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recorded } from '../../support/recorded.ts';

const why = (text: string, limits = LIMITS.serviceInFull): string | undefined => overLimits(text, limits);
const plainNode = (id: number) => ({
  deploy_id: id,
  running: null,
  vm_info: { VM: { ID: `${id}`, NAME: `supernode_${id}_(service_1)`, UID: '0' } },
});
const service = (nodes: unknown[]) => ({
  SERVICE: {
    id: '1',
    state: 2,
    roles: [{ name: 'supernode', cardinality: nodes.length, state: 2, nodes }],
  },
});
const numbered = (count: number) => Array.from({ length: count }, (_, id) => plainNode(id));

describe('a reply is refused before it is parsed', () => {
  test.each([
    ['nested lists', '['.repeat(2_000_000), 'nested deeper than 64 levels'],
    ['nested objects', '{"a":'.repeat(100_000), 'nested deeper than 64 levels'],
    ['a million empty lists', `[${'[],'.repeat(1_000_000)}[]]`, 'objects and lists'],
    ['a million zeros', `[${'0,'.repeat(1_000_000)}0]`, 'values'],
    ['a million keys', `{${'"a":0,'.repeat(1_000_000)}"b":0}`, 'values'],
    ['nesting after a string with an escaped quote', `["\\"",${'['.repeat(65)}`, 'nested deeper'],
    ['nesting after a string that ends with a backslash', `["\\\\",${'['.repeat(65)}`, 'nested deeper'],
  ])('with %s', (_what, text, said) => {
    expect(why(text)).toContain(said);
  });

  test('brackets inside of a string are text', () => {
    expect(why(JSON.stringify({ VM: { NAME: `"${'['.repeat(1_000)}\\"` } }))).toBeUndefined();
  });

  test.each([
    ['quotes', '"'.repeat(4_000_000)],
    ['backslashes', `"${'\\'.repeat(4_000_000)}`],
    ['escaped quotes', `"${'\\"'.repeat(2_000_000)}`],
    ['long runs of backslashes before quotes', `"${`${'\\'.repeat(1_001)}"`.repeat(4_000)}`],
  ])('%s are counted in one pass', (_what, text) => {
    const began = process.cpuUsage();
    why(text);
    expect(process.cpuUsage(began).user / 1_000).toBeLessThan(2_000);
  });
});

describe('a role', () => {
  test(`of ${MOST_NODES} nodes is within the limits of the list`, () => {
    const text = JSON.stringify(service(numbered(MOST_NODES)));
    expect(text.length).toBeLessThan(LIMITS.service.bytes);
    expect(why(text, LIMITS.service)).toBeUndefined();
    expect(parseService(JSON.parse(text)).roles[0]?.nodes).toHaveLength(MOST_NODES);
  });

  test('of 5,000 nodes is within the limits of a reading in full', () => {
    const [first] = parseRoles(recorded('21').body);
    const text = JSON.stringify(service(Array.from({ length: 5_000 }, () => first)));
    expect(text.length).toBeLessThan(LIMITS.serviceInFull.bytes);
    expect(why(text)).toBeUndefined();
  });

  test('of more nodes is a problem that names the limit', async () => {
    const clock = new FakeClock();
    const body = JSON.stringify(service(numbered(MOST_NODES + 1)));
    const oneGate = connectOneGate({
      endpoint: 'http://172.16.100.1:5030',
      token: 'dA==',
      vmId: 2,
      clock,
      random: () => 0,
      send: async () => ({ status: 200, headers: {}, body }),
    });
    const error = await clock.run(oneGate.service().catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(Problem);
    expect((error as Problem).facts.found).toContain('SERVICE.roles.0.nodes has more than 10000 nodes');
  });
});

const parseRoles = (body: string): unknown[] =>
  (JSON.parse(body) as { SERVICE: { roles: { nodes: unknown[] }[] } }).SERVICE.roles.flatMap(
    ({ nodes }) => nodes,
  );
