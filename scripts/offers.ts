// What `make outdated` shows: what is used here, beside the newest that an index offers.
import * as z from 'zod';

export interface Offer {
  readonly name: string;
  readonly used: string;
  /** Undefined: the index has no release of it. */
  readonly newest: string | undefined;
}

const byVersion = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

const SIMPLE = z.object({
  files: z.array(z.object({ filename: z.string(), yanked: z.optional(z.union([z.boolean(), z.string()])) })),
});

/**
 * The versions with a wheel, oldest first: of a page of Python's simple index as JSON, as appliance/flower/lock.py reads it.
 * Versions before a release (rc, dev) and withdrawn ones do not count. Throws if the page has another form.
 */
export function offeredByPython(page: unknown): string[] {
  const files = SIMPLE.parse(page).files.filter(({ yanked }) => yanked === undefined || yanked === false);
  const versions = files.flatMap(
    ({ filename }) => /^[^-]+-(\d+(?:\.\d+)*)-.*\.whl$/.exec(filename)?.[1] ?? [],
  );
  return [...new Set(versions)].sort(byVersion);
}

const OUTDATED = z.record(
  z.string(),
  z.object({ current: z.optional(z.string()), wanted: z.string(), latest: z.string() }),
);

/** The packages of `npm outdated --json`. `current` is missing for packages of another processor. Throws for anything else. */
export const offeredByNpm = (output: string): Offer[] =>
  Object.entries(OUTDATED.parse(JSON.parse(output))).map(([name, { current, wanted, latest }]) => ({
    name,
    used: current ?? wanted,
    newest: latest,
  }));

/** One line for each: name, what is used, what is offered; equal ones are marked as current. */
export function formatOffers(offers: readonly Offer[]): string {
  const width = (of: (offer: Offer) => string): number => Math.max(0, ...offers.map((one) => of(one).length));
  const [names, uses] = [width(({ name }) => name), width(({ used }) => used)];
  return offers
    .map(({ name, used, newest }) => {
      const offered = newest === undefined ? 'no release' : newest === used ? 'current' : `newest ${newest}`;
      return `${name.padEnd(names)}  ${used.padEnd(uses)}  ${offered}`;
    })
    .join('\n');
}
