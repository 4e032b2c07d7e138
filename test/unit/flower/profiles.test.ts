import { describe, expect, it } from 'vitest';
import { Problem } from '../../../src/core/problem.ts';
import { parseVersion } from '../../../src/core/version.ts';
import { PROFILES, profileFor, supportedRanges } from '../../../src/flower/profiles/index.ts';

const listeners = {
  fleet: { host: '0.0.0.0', port: 9092 },
  control: { host: '127.0.0.1', port: 9093 },
  runtime: { host: '127.0.0.1', port: 9091 },
};

describe('the profile of a version', () => {
  it.each([
    ['1.31.0', 'grpc-1.31-1.34'],
    ['1.34.9', 'grpc-1.31-1.34'],
    ['1.35.0', 'mixed-1.35-1.39'],
    ['1.39.0', 'mixed-1.35-1.39'],
  ])('%s is started as %s', (version, id) => {
    expect(profileFor(version).id).toBe(id);
  });

  it.each(['1.30.9', '1.40.0', '2.31.0', '0.35.0', '1.35', 'latest', '1.35.0rc1', '', '01.35.0'])(
    '%j is refused with the ranges that are known',
    (version) => {
      const refused = catchProblem(() => profileFor(version));
      expect(refused.code).toBe('flower_version_unsupported');
      expect(refused.facts.expected).toContain('1.31-1.34 and 1.35-1.39');
      expect(refused.facts.variable).toBe('FLOWER_VERSION');
    },
  );

  it('gives the reason for which 1.40 and newer are refused', () => {
    expect(catchProblem(() => profileFor('1.41.0')).facts.remedy).toContain('HTTP');
    expect(catchProblem(() => profileFor('1.30.0')).facts.remedy).toBeUndefined();
  });

  it('leaves no gap and no overlap between the ranges', () => {
    for (const [index, { from, to }] of PROFILES.entries()) {
      expect(to[1]).toBeGreaterThanOrEqual(from[1]);
      const next = PROFILES[index + 1];
      if (next) expect(next.from[1]).toBe(to[1] + 1);
    }
    expect(supportedRanges()).toBe('1.31-1.34 and 1.35-1.39');
  });
});

describe('the listeners of a SuperLink', () => {
  const portsOf = (version: string) => {
    const { minor } = parseVersion(version)!;
    return profileFor(version)
      .superlinkPorts(listeners, minor)
      .map(({ port }) => port);
  };

  it('is three gRPC listeners up to 1.34', () => {
    const args = profileFor('1.34.0').superlinkListeners(listeners, 34);
    expect(args).toEqual(
      expect.arrayContaining([
        '--control-api-address',
        '127.0.0.1:9093',
        '--serverappio-api-address',
        '127.0.0.1:9091',
      ]),
    );
    expect(args).not.toContain('--host');
    expect(portsOf('1.34.0')).toEqual([9092, 9093, 9091]);
  });

  it('has Control on its own in 1.35 and 1.36, beside the HTTP listener of the child processes', () => {
    const args = profileFor('1.36.0').superlinkListeners(listeners, 36);
    expect(args.join(' ')).toContain('--control-api-address 127.0.0.1:9093 --host 127.0.0.1 --port 9091');
    expect(portsOf('1.36.0')).toEqual([9092, 9093, 9091]);
  });

  it('has Control and the child processes on one HTTP listener, where Control was asked for, from 1.37', () => {
    const args = profileFor('1.37.0').superlinkListeners(listeners, 37);
    expect(args.join(' ')).toContain('--host 127.0.0.1 --port 9093');
    expect(args).not.toContain('--control-api-address');
    expect(portsOf('1.37.0')).toEqual([9092, 9093]);
  });

  it('writes IPv6 as each flag wants it: with brackets in an address, without in a host', () => {
    const six = { ...listeners, fleet: { host: '::', port: 9092 }, control: { host: '::1', port: 9093 } };
    const args = profileFor('1.39.0').superlinkListeners(six, 39);
    expect(args.join(' ')).toContain('--fleet-api-address [::]:9092');
    expect(args.join(' ')).toContain('--host ::1 --port 9093');
  });
});

function catchProblem(act: () => unknown): Problem {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
