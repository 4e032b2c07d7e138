// Flower versions: X.Y.Z.

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** X.Y.Z in plain decimal; undefined for anything else. */
export function parseVersion(text: string): Version | undefined {
  const parts = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/.exec(text);
  return parts === null
    ? undefined
    : { major: Number(parts[1]), minor: Number(parts[2]), patch: Number(parts[3]) };
}
