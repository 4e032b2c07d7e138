// "Did you mean": the known name that is closest to a wrong one.

/** Longer names are not compared. */
const LONGEST = 64;

/** The closest candidate by Damerau-Levenshtein distance, if it is near enough for a typing error. The first wins a tie. */
export function closestMatch(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > LONGEST) return undefined;
  const wanted = name.toUpperCase();
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const limit = Math.min(best === undefined ? Infinity : best.distance - 1, threshold(candidate));
    if (Math.abs(candidate.length - wanted.length) > limit) continue;
    const distance = editDistance(wanted, candidate.toUpperCase());
    if (distance <= limit) best = { candidate, distance };
  }
  return best?.candidate;
}

/** One error in a short name, up to four in a long one. */
const threshold = (candidate: string): number => Math.max(1, Math.min(4, Math.floor(candidate.length / 4)));

/** The insertions, deletions, substitutions and swaps of neighbours from `a` to `b` (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, older[column - 2]! + 1);
      current.push(cost);
    }
    [older, previous] = [previous, current];
  }
  return previous[b.length]!;
}
