// What the catalogue of problems says of each code.

/** fatal: the boot ends. degraded: the boot continues without something. warning: reported, nothing else. */
export type Severity = 'fatal' | 'degraded' | 'warning';

/** What `flower-context explain CODE` prints. Phrases without a full stop; sentences in `about`, `found`, `agent` have one. */
export interface Entry {
  readonly title: string;
  /** Of a problem that does not say another; fatal when left out. */
  readonly severity?: Severity;
  /** What the code means, and its usual causes. */
  readonly about: string;
  /** How the agent detects it. */
  readonly found: string;
  /** What the agent does then; the usual reaction to the severity when left out. */
  readonly agent?: string;
  /** What to do, unless the problem itself says more. */
  readonly remedy: string;
  /** Where to look: commands, files, pages. */
  readonly where: readonly string[];
}
