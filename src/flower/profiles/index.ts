// Which profile a version belongs to.
import { Problem } from '../../core/problem.ts';
import { parseVersion } from '../../core/version.ts';
import { grpcProfile } from './grpc-1.31-1.34.ts';
import { mixedProfile } from './mixed-1.35-1.39.ts';
import type { Profile } from './profile.ts';

export const PROFILES: readonly Profile[] = [grpcProfile, mixedProfile];

/** The ranges as a person reads them: `1.31-1.34 and 1.35-1.39`. */
export const supportedRanges = (): string =>
  PROFILES.map(({ from, to }) => `${from.join('.')}-${to.join('.')}`).join(' and ');

/**
 * The profile for a Flower version.
 * @throws Problem flower_version_unsupported, naming the ranges.
 */
export function profileFor(version: string): Profile {
  const wanted = parseVersion(version);
  const found =
    wanted &&
    PROFILES.find(
      ({ from, to }) => wanted.major === from[0] && wanted.minor >= from[1] && wanted.minor <= to[1],
    );
  if (found) return found;
  throw new Problem('flower_version_unsupported', {
    doing: 'choosing how to start Flower',
    found: wanted === undefined ? `'${version}' is not a version` : `Flower ${version}`,
    expected: `a version in ${supportedRanges()}`,
    ...(wanted && wanted.major === 1 && wanted.minor >= 40
      ? { remedy: 'choose 1.39.0 or older: from 1.40 SuperNodes speak HTTP, which has no gRPC keepalive' }
      : {}),
    variable: 'FLOWER_VERSION',
    example: '1.39.0',
  });
}
