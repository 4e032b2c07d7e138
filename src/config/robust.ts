// Strategies that withstand clients which send wrong results, and how many clients they need for that.

/** How many clients a strategy needs to withstand so many malicious ones; undefined: as many as there are. */
export function robustClients(
  strategy: string,
  malicious: number,
): { readonly needed: number; readonly formula: string } | undefined {
  const times = { Krum: 2, Bulyan: 4 }[strategy];
  if (times === undefined) return undefined;
  return { needed: times * malicious + 3, formula: `${times} x ${malicious} + 3` };
}
