import { describe, expect, it } from 'vitest';
import { Problem } from '../../../src/core/problem.ts';
import { PROFILES, profileFor } from '../../../src/flower/profiles.ts';

const wanted = {
  fleet: { host: '0.0.0.0', port: 9092 },
  control: { host: '127.0.0.1', port: 9093 },
  runtime: { host: '127.0.0.1', port: 9091 },
};

describe('the profile of a version', () => {
  it.each([
    ['1.31.0', 31],
    ['1.34.9', 31],
    ['1.35.0', 35],
    ['1.36.0', 35],
    ['1.37.0', 37],
    ['1.39.0', 37],
    ['1.40.0', 40],
    ['1.42.7', 40],
  ])('%s is in the range from 1.%i', (version, minor) => {
    expect(profileFor(version).from).toEqual([1, minor]);
  });

  it.each(['1.30.9', '1.43.0', '2.0.0', '2.31.0', '0.35.0', '1.35', 'latest', '1.35.0rc1', '', '01.35.0'])(
    '%j is refused with the supported versions',
    (version) => {
      const refused = catchProblem(() => profileFor(version));
      expect(refused.code).toBe('flower_version_unsupported');
      expect(refused.facts.expected).toBe('a version from 1.31 to 1.42');
      expect(refused.facts.variable).toBe('FLOWER_VERSION');
    },
  );

  it("only HTTP has a limit for the bodies of Fleet calls: that listener is the launcher's", () => {
    for (const { transport, largestBody } of PROFILES)
      expect(largestBody !== undefined).toBe(transport === 'http');
  });

  it('ranges have no gap and no overlap', () => {
    for (const [index, { from, to }] of PROFILES.entries()) {
      expect(to[1]).toBeGreaterThanOrEqual(from[1]);
      const next = PROFILES[index + 1];
      if (next) expect(next.from).toEqual([1, to[1] + 1]);
    }
  });
});

describe('a SuperLink listens', () => {
  const FLEET = '--fleet-api-type grpc-rere --fleet-api-address 0.0.0.0:9092';
  const of = (version: string, listeners = wanted) => {
    const profile = profileFor(version);
    const opened = profile.listeners(listeners);
    return { opened, text: profile.superlinkArguments(opened).join(' ') };
  };

  it('on three gRPC listeners up to 1.34', () => {
    expect(of('1.34.0')).toEqual({
      opened: wanted,
      text: `${FLEET} --control-api-address 127.0.0.1:9093 --serverappio-api-address 127.0.0.1:9091`,
    });
  });

  it('on one for Control and on an HTTP listener for the child processes in 1.35 and 1.36', () => {
    expect(of('1.36.0')).toEqual({
      opened: wanted,
      text: `${FLEET} --control-api-address 127.0.0.1:9093 --host 127.0.0.1 --port 9091`,
    });
  });

  it('on one HTTP listener for Control and the child processes, at the address of Control, in 1.37 to 1.39', () => {
    expect(of('1.37.0')).toEqual({
      opened: { ...wanted, runtime: wanted.control },
      text: `${FLEET} --host 127.0.0.1 --port 9093`,
    });
  });

  it('on one HTTP listener without the Fleet API, which the launcher opens, from 1.40', () => {
    for (const version of ['1.40.0', '1.42.0'])
      expect(of(version)).toEqual({
        opened: { ...wanted, runtime: wanted.control },
        text: '--host 127.0.0.1 --port 9093',
      });
  });

  it('on IPv6 addresses, in brackets only before a port', () => {
    const six = { ...wanted, control: { host: '::1', port: 9093 } };
    expect(of('1.36.0', six).text).toContain('--control-api-address [::1]:9093');
    expect(of('1.39.0', six).text).toBe(`${FLEET} --host ::1 --port 9093`);
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
