// Writes OpenNebula's VM template language: NAME="value", NAME=[ A="value", B="value" ].

export type Pair = readonly [name: string, value: string];

/** A value in double quotes. oned takes \" for a quote and any other backslash as it is. */
export const quoted = (value: string): string => `"${value.replaceAll('"', '\\"')}"`;

export const attribute = (name: string, value: string): string => `${name}=${quoted(value)}\n`;

export const vector = (name: string, pairs: readonly Pair[]): string =>
  `${name}=[\n${pairs.map(([key, value]) => `  ${key}=${quoted(value)}`).join(',\n')} ]\n`;

/** `NAME="$NAME"` for each input: OpenNebula replaces $NAME with the answer. */
export const references = (names: readonly string[]): Pair[] => names.map((name): Pair => [name, `$${name}`]);
