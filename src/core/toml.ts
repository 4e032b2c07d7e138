// The values of the flat TOML files that Flower reads. src/flower/toml.ts writes them.

/** Text, boolean, integer (bigint beyond 2^53), or a number that stays a float when it is whole: `1.0`, not `1`. */
export type TomlValue = string | boolean | number | bigint | { readonly float: number };

export type TomlEntry = readonly [key: string, value: TomlValue];
