import { describe, expect, it } from 'vitest';
import { parseVariables } from '../../../src/config/parse.ts';
import { namesOf, rowOf } from '../../../src/config/table.ts';
import { nodeConfigToml } from '../../../src/flower/node-config.ts';
import { runConfigToml } from '../../../src/flower/run-config.ts';
import { formatToml } from '../../../src/flower/toml.ts';

const float = (value: number): { float: number } => ({ float: value });

describe('a TOML file', () => {
  it('has one line for each entry, whatever its text holds', () => {
    expect(
      formatToml([
        ['a', 'say "hi"\\\n\u0000\u007f'],
        ['b c', true],
      ]),
    ).toBe('a = "say \\"hi\\"\\\\\\u000a\\u0000\\u007f"\n"b c" = true\n');
  });

  it('distinguishes integers from floats', () => {
    expect(
      formatToml([
        ['a', 1],
        ['b', float(1)],
        ['c', 0.5],
        ['d', 2n ** 62n],
        ['e', 1e21],
        ['f', float(-0)],
      ]),
    ).toBe('a = 1\nb = 1.0\nc = 0.5\nd = 4611686018427387904\ne = 1e+21\nf = 0.0\n');
  });
});

describe('the node config file', () => {
  const facts = { partition: { id: 1, of: 4 }, useCase: 'none' };

  it('has the partition, the use case and the share of the GPU', () => {
    expect(nodeConfigToml([], { ...facts, useCase: 'anomaly-detection', gpuMemoryFraction: 1 })).toBe(
      'gpu-memory-fraction = 1.0\nnum-partitions = 4\npartition-id = 1\nuse-case = "anomaly-detection"\n',
    );
  });

  it('replaces single keys by those of the operator', () => {
    expect(
      nodeConfigToml(
        [
          ['partition-id', 9],
          ['site', 'a'],
        ],
        facts,
      ),
    ).toBe('num-partitions = 4\npartition-id = 9\nsite = "a"\n');
  });

  it("names the folder of the site's data, unless the operator names another", () => {
    const dataPath = '/opt/flower/data';
    const alone = { partition: undefined, useCase: 'none', dataPath };
    expect(nodeConfigToml([], alone)).toBe('data-path = "/opt/flower/data"\n');
    expect(nodeConfigToml([['data-path', '/srv/b']], alone)).toBe('data-path = "/srv/b"\n');
  });

  it('has only what the operator wrote when there is no partition', () => {
    expect(nodeConfigToml([['x', false]], { partition: undefined, useCase: 'none' })).toBe('x = false\n');
  });
});

describe('the run config file', () => {
  const parsed = parseVariables(
    { FL_CHECKPOINT_ENABLED: 'YES' },
    { role: 'superlink', flowerVersion: '1.39.0', framework: 'none' },
  );
  const config = parsed.ok && parsed.config.role === 'superlink' ? parsed.config : undefined;

  it('has every key once, with the type that Flower compares with the default of the app', () => {
    const text = runConfigToml(config!, '/state/checkpoints');
    const keys = text
      .trim()
      .split('\n')
      .map((line) => line.split(' = ')[0]);
    expect(keys).toEqual(namesOf('superlink').flatMap((name) => rowOf(name).runConfig ?? []));
    expect(text).toContain('proximal-mu = 1.0\n');
    expect(text).toContain('num-server-rounds = 3\n');
    expect(text).toContain('checkpoint-enabled = true\n');
    expect(text).toContain('checkpoint-path = "/state/checkpoints"\n');
  });
});
