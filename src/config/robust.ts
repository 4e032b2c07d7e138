// Strategies that tolerate clients with wrong results, and the number of clients they need.

/** How many clients a strategy needs for so many malicious ones; undefined for a strategy without such a rule. */
export function robustClients(
  strategy: string,
  malicious: number,
): { readonly needed: number; readonly formula: string } | undefined {
  const times = { Krum: 2, Bulyan: 4 }[strategy];
  if (times === undefined) return undefined;
  return { needed: times * malicious + 3, formula: `${times} x ${malicious} + 3` };
}
