/** One request that reached the stub. */
export interface RequestRecord {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The VM it says it is from; undefined without a usable X-ONEGATE-VMID. */
  readonly vm: number | undefined;
  readonly method: string;
  /** As sent, with the query. */
  readonly path: string;
  /** A PUT's NAME=value lines as the client meant them; empty for everything else. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Names a PUT with type=2 asked to erase. */
  readonly erase: string | undefined;
  /** The body's bytes, read as UTF-8. Holds no token: those travel in headers. */
  readonly body: string;
  /** undefined until answered, and for ever when a fault gave no answer. */
  status: number | undefined;
  /** The fault it met. */
  fault: string | undefined;
  /** Milliseconds until the answer. */
  ms: number | undefined;
}
