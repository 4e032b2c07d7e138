/** What `flower-context explain CODE` adds to the catalogue's title and remedy. Sentences without a final dot. */
export interface Page {
  /** What the code means, for a person who meets it for the first time. */
  readonly about: string;
  /** How the agent finds it. */
  readonly found: string;
  /** What the agent does then. */
  readonly agent: string;
  /** Where to look, the nearest place first. */
  readonly look: readonly string[];
}

export const ENDS =
  'The boot ends with exit status 1, FL_ERROR says so on OneGate, and systemd starts the agent again after a pause; it goes on at the first step that is not done';
export const WAITS_FOR_CONTEXT =
  'The boot ends with exit status 2, FL_ERROR says so on OneGate, and nothing is tried again until the CONTEXT changes; a Flower that serves already goes on with its earlier settings';
export const BEFORE_FLOWER = 'Flower is not started: it would try for ever and say little';
export const GOES_ON = 'The boot goes on; the problem stands in the status and the journal';

export const JOURNAL = 'journalctl -u flower-context';
export const STATUS = 'flower-context status';
