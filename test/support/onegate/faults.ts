/** Ways to misbehave. None of them is the real OneGate's normal behaviour; all of them happen on real networks. */
export type Fault =
  /** Accepts the request and never answers. */
  | { readonly kind: 'hang' }
  /** Answers correctly, `ms` late. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Answers with a status and does nothing. */
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly type?: string }
  /** Resets the connection without an answer. */
  | { readonly kind: 'reset' }
  /** Does as asked, announces the whole reply, sends half of it and closes. */
  | { readonly kind: 'half' }
  /** Does as asked and says another Content-Type. */
  | { readonly kind: 'content-type'; readonly type: string }
  /** Sends `bytes` of JSON that never ends well. */
  | { readonly kind: 'oversize'; readonly bytes: number }
  /** 302 to another URL. */
  | { readonly kind: 'redirect'; readonly to: string }
  /** 200 with a body that is not JSON, e.g. a proxy's login page. */
  | { readonly kind: 'garbage'; readonly body?: string }
  /** Bytes that are not HTTP. */
  | { readonly kind: 'not-http' }
  /** Does as asked, with a Date header that is `skewMs` off. The real OneGate sends none; a proxy before it does. */
  | { readonly kind: 'date'; readonly skewMs: number };

/** Which requests meet the fault; every field left out means "any". */
export interface Where {
  readonly vm?: number;
  readonly method?: string;
  /** The path without the query, e.g. `/service` or `/^\/vms/`. */
  readonly path?: string | RegExp;
  /** For so many requests, then never again. */
  readonly times?: number;
  /** For so long from now on. */
  readonly forMs?: number;
}

/** A fault that was set. */
export interface ActiveFault {
  readonly fault: Fault;
  /** Requests it hit so far. */
  readonly hits: number;
  /** Ends it. Requests that hang because of it keep hanging until their client gives up. */
  clear(): void;
}

interface Entry {
  readonly fault: Fault;
  readonly where: Where;
  readonly until: number;
  hits: number;
}

/** The faults of a zone. The newest that fits a request wins. */
export class Faults {
  #entries: Entry[] = [];
  onChange: () => void = () => {};

  /** Sets a fault, for all requests unless `where` says less. */
  add(fault: Fault, where: Where = {}): ActiveFault {
    const entry: Entry = {
      fault,
      where,
      until: Date.now() + (where.forMs ?? Number.POSITIVE_INFINITY),
      hits: 0,
    };
    this.#entries.unshift(entry);
    return {
      fault,
      get hits() {
        return entry.hits;
      },
      clear: () => {
        this.#entries = this.#entries.filter((other) => other !== entry);
      },
    };
  }

  clear(): void {
    this.#entries = [];
  }

  /** The fault a request meets; counts it. */
  match(vm: number | undefined, method: string, path: string): Fault | undefined {
    const fits = ({ where, until, hits }: Entry) =>
      Date.now() < until &&
      hits < (where.times ?? Number.POSITIVE_INFINITY) &&
      (where.vm === undefined || where.vm === vm) &&
      (where.method === undefined || where.method === method) &&
      (where.path === undefined ||
        (typeof where.path === 'string' ? where.path === path : where.path.test(path)));
    const entry = this.#entries.find(fits);
    if (entry) entry.hits++;
    if (entry) this.onChange();
    return entry?.fault;
  }
}
