// The OneGate client. Everything OneGate says can be passing: 401 is also its answer while oned is down, 404 while
// OneFlow is down, "does not contain VM" while the service is being created (OneGate 7.5.80, exchanges 351, 360, 361).
// So a call is tried again, a bounded number of times; only what cannot change by waiting ends it at once.
//
// - The token leaves in one header, towards the host of ONEGATE_ENDPOINT only; it is in no message.
// - Updates of one client go out one after the other, in the order they were asked for: a retried READY=NO cannot
//   overtake the READY=YES that follows it. Each is a merge of whole values, so sending one twice is harmless.
// - One client has one question on the wire at a time: a thousand VMs that boot at once queue at oned once, not twice.
import * as z from 'zod';
import type { Clock, Random } from '../core/clock.ts';
import { Problem } from '../core/problem.ts';
import { type HttpFailure, type HttpReply, request as httpRequest } from '../host/http.ts';
import { failureText, judge, type OneGateError, remedyFor } from './error.ts';
import { publishable } from './guard.ts';
import { parseService, parseVm, type Service, type Vm } from './replies.ts';

export interface RetryPolicy {
  readonly tries: number;
  /** For one try, everything included. */
  readonly tryTimeoutMs: number;
  /** The wait before the second try is at most this; the bound doubles each time, up to maxWaitMs (full jitter). */
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
}

/** Outlasts a restart of OneGate or oned; ends within a minute and a half when nothing answers. */
const PATIENT: RetryPolicy = { tries: 8, tryTimeoutMs: 5_000, firstWaitMs: 500, maxWaitMs: 15_000 };
/** For callers that come again by themselves. */
export const ONCE: RetryPolicy = { tries: 1, tryTimeoutMs: 5_000, firstWaitMs: 0, maxWaitMs: 0 };

export interface Retry {
  readonly doing: string;
  /** The try that just failed, from 1. */
  readonly attempt: number;
  readonly tries: number;
  readonly waitMs: number;
  readonly why: string;
}

export interface CallOptions {
  readonly policy?: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
}

/** OneGate as this VM sees it. Every call throws Problem (onegate_unreachable, not_in_service) or the signal's reason. */
export interface OneGate {
  /** This VM's own id, as OneGate knows it. */
  readonly vmId: number;
  vm(options?: CallOptions): Promise<Vm>;
  /** Another VM of the same service. */
  peer(id: number, options?: CallOptions): Promise<Vm>;
  /** The roles and the ids of their nodes, nothing more of them. */
  service(options?: CallOptions): Promise<Service>;
  /** The same with what every node publishes. Costs the front-end one lookup per VM. */
  serviceInFull(options?: CallOptions): Promise<Service>;
  /** Merges attributes into this VM's USER_TEMPLATE. READY=YES in any form needs `serving`. Also throws onegate_value_refused. */
  update(
    attributes: Readonly<Record<string, string>>,
    options?: CallOptions & { serving?: boolean },
  ): Promise<void>;
}

export interface OneGateOptions {
  /** ONEGATE_ENDPOINT; only scheme, host and port are used. */
  readonly endpoint: string;
  readonly token: string;
  readonly vmId: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly policy?: RetryPolicy;
  /** Ends every call. */
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: (retry: Retry) => void;
  /** Called with OneGate's own time at each answer, to compare clocks. */
  readonly onDate?: (theirs: Date) => void;
  /** How a request is sent; tests may replace it. */
  readonly send?: typeof httpRequest;
}

/** Replies stay far below: a node of an extended service is about 2.6 KB. */
const MAX_REPLY_BYTES = 4 * 1024 * 1024;

/** Throws Problem config_validation_failed when endpoint or token cannot be used at all. */
export function connectOneGate(options: OneGateOptions): OneGate {
  const { token, vmId, clock, random, onRetry, onDate } = options;
  const base = baseOf(options.endpoint);
  const send = options.send ?? httpRequest;
  if (!/^[\x21-\x7e]+$/.test(token))
    throw unusable('the OneGate token is empty or has characters no token has', 'TOKEN');

  let wire: Promise<unknown> = Promise.resolve();
  function tryOnce<T>(
    ask: Ask<T>,
    policy: RetryPolicy,
    signal: AbortSignal | undefined,
  ): Promise<T | OneGateError> {
    const turn = wire.then(() => exchange(ask, policy, signal));
    wire = turn.catch(() => {});
    return unlessAborted(turn, signal);
  }

  async function exchange<T>(
    ask: Ask<T>,
    policy: RetryPolicy,
    signal: AbortSignal | undefined,
  ): Promise<T | OneGateError> {
    signal?.throwIfAborted();
    let reply: HttpReply;
    try {
      reply = await send({
        method: ask.body === undefined ? 'GET' : 'PUT',
        url: new URL(ask.path, base),
        headers: {
          Accept: 'application/json',
          'X-ONEGATE-TOKEN': token,
          'X-ONEGATE-VMID': String(vmId),
          ...(ask.body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
        },
        ...(ask.body === undefined ? {} : { body: ask.body }),
        timeoutMs: policy.tryTimeoutMs,
        maxBytes: MAX_REPLY_BYTES,
        signal,
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      return { kind: 'no_answer', failure: error as HttpFailure };
    }
    if (reply.date !== undefined) onDate?.(reply.date);
    const mishap = judge(reply, token, ask.body !== undefined);
    if (mishap !== undefined) return mishap;
    try {
      return ask.read(reply.body);
    } catch (error) {
      return { kind: 'unreadable', why: error instanceof z.ZodError ? schemaFault(error) : 'it is not JSON' };
    }
  }

  async function call<T extends object | undefined>(
    ask: Ask<T>,
    { policy = options.policy ?? PATIENT, signal }: CallOptions = {},
  ): Promise<T> {
    const stop = anyOf(options.signal, signal);
    const since = clock.now();
    for (let attempt = 1; ; attempt++) {
      const outcome = await tryOnce(ask, policy, stop);
      if (!isMishap(outcome)) return outcome;
      const why = failureText(outcome);
      if (outcome.kind === 'no_service') {
        throw new Problem('not_in_service', { doing: ask.doing, found: `OneGate says: ${why}` });
      }
      if (outcome.kind === 'refused' || attempt >= policy.tries) {
        const spent =
          policy.tries === 1 || outcome.kind === 'refused'
            ? ''
            : `; ${attempt} tries since ${since.toISOString()}`;
        throw new Problem('onegate_unreachable', {
          doing: `${ask.doing} (${base.origin})`,
          found: `${why}${spent}`,
          remedy: remedyFor(outcome, base, vmId),
          ...(outcome.kind === 'no_answer' ? { cause: outcome.failure } : {}),
        });
      }
      const waitMs = Math.round(
        random() * Math.min(policy.maxWaitMs, policy.firstWaitMs * 2 ** (attempt - 1)),
      );
      onRetry?.({ doing: ask.doing, attempt, tries: policy.tries, waitMs, why });
      await clock.sleep(waitMs, stop);
    }
  }

  let queue: Promise<unknown> = Promise.resolve();
  return {
    vmId,
    vm: (how) =>
      call(
        { doing: 'reading this VM from OneGate', path: '/vm', read: (text) => parseVm(JSON.parse(text)) },
        how,
      ),
    peer: (id, how) =>
      call(
        {
          doing: `reading VM ${id} from OneGate`,
          path: `/vms/${Math.trunc(id)}`,
          read: (text) => parseVm(JSON.parse(text)),
        },
        how,
      ),
    service: (how) =>
      call(
        {
          doing: 'reading the service from OneGate',
          path: '/service',
          read: (text) => parseService(JSON.parse(text)),
        },
        how,
      ),
    serviceInFull: (how) =>
      call(
        {
          doing: 'reading the service and what its nodes publish from OneGate',
          path: '/service?extended=true',
          read: (text) => parseService(JSON.parse(text)),
        },
        how,
      ),
    async update(attributes, how = {}) {
      const body = publishable(attributes, how.serving === undefined ? {} : { serving: how.serving });
      const doing = `publishing ${Object.keys(attributes).join(' ')} on OneGate`;
      const turn = queue.then(() => call({ doing, path: '/vm', body, read: () => undefined }, how));
      queue = turn.catch(() => {});
      await turn;
    },
  };
}

interface Ask<T> {
  readonly doing: string;
  readonly path: string;
  readonly body?: string;
  readonly read: (body: string) => T;
}

const isMishap = (outcome: unknown): outcome is OneGateError =>
  typeof outcome === 'object' && outcome !== null && 'kind' in outcome;

const anyOf = (...signals: (AbortSignal | undefined)[]): AbortSignal | undefined => {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
};

/** The work's outcome, or the signal's reason as soon as it is aborted: nobody waits behind another's question. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function baseOf(endpoint: string): URL {
  const url = URL.parse(endpoint);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw unusable('it is not an http:// or https:// address', 'ONEGATE_ENDPOINT');
  }
  return new URL(url.origin);
}

const unusable = (found: string, variable: string): Problem =>
  new Problem('config_validation_failed', {
    doing: 'preparing to ask OneGate',
    found,
    variable,
    ...(variable === 'ONEGATE_ENDPOINT' ? { example: 'http://172.16.0.1:5030' } : {}),
  });

/** Where a reply is not what it should be; the names of fields only, never their values. */
const schemaFault = (error: z.ZodError): string => {
  const issue = error.issues[0];
  return `${issue?.path.join('.') || 'the document'} is not what it should be`;
};
