// Versions X.Y.Z, of Flower.

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** X.Y.Z in plain decimal, at most four digits each; undefined for anything else. */
export function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch] = /^(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})$/.exec(text) ?? [];
  return major === undefined
    ? undefined
    : { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

export const isVersion = (text: string): boolean => parseVersion(text) !== undefined;

/** Whether `text` is a version before `other`. False when one of them is not a version. */
export function isOlder(text: string, other: string): boolean {
  const [a, b] = [parseVersion(text), parseVersion(other)];
  if (a === undefined || b === undefined) return false;
  return (a.major - b.major || a.minor - b.minor || a.patch - b.patch) < 0;
}
