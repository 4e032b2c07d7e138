// The OneGate client. Almost every error of OneGate may be temporary: it also answers 401 while oned is down, 404 while
// OneFlow is down, and "does not contain VM" while the service is being created (OneGate 7.5.80, recorded exchanges 351,
// 360, 361). So a call is repeated, a bounded number of times; only an error that waiting cannot change ends it at once.
//
// - The token is sent in one header, only to the host of ONEGATE_ENDPOINT, and is never part of a message.
// - Updates of one client are sent one after the other, in the order of the calls: a repeated READY=NO cannot overtake
//   the READY=YES that follows it. Each update merges whole values, so sending one twice is harmless.
// - One client has one request at a time: of a thousand VMs that boot together each waits in the queue of oned once.

import * as z from 'zod';
import type { Clock, Random } from '../core/clock.ts';
import { backoff, withJitter } from '../core/jitter.ts';
import { Problem } from '../core/problem.ts';
import { parseUrl } from '../core/url.ts';
import { type HttpFailure, type HttpReply, request as httpRequest } from '../host/http.ts';
import { errorIn, failureText, type OneGateError, remedyFor } from './error.ts';
import { publishable } from './guard.ts';
import { LIMITS, overLimits, type ReplyLimits } from './limits.ts';
import { parseService, parseVm, type Service, type Vm } from './replies.ts';

export interface RetryPolicy {
  readonly tries: number;
  /** For one try, everything included. */
  readonly tryTimeoutMs: number;
  /** The wait before the second try, before jitter; it doubles each time, up to maxWaitMs. */
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
}

/** Long enough for a restart of OneGate or oned; ends within 90 seconds when nothing answers. */
const PATIENT: RetryPolicy = { tries: 8, tryTimeoutMs: 5_000, firstWaitMs: 500, maxWaitMs: 15_000 };
/** For callers that repeat the call later. */
export const ONCE: RetryPolicy = { tries: 1, tryTimeoutMs: 5_000, firstWaitMs: 0, maxWaitMs: 0 };

/** @internal */
export interface Retry {
  readonly doing: string;
  /** The try that just failed, from 1. */
  readonly attempt: number;
  readonly tries: number;
  readonly waitMs: number;
  readonly why: string;
}

interface CallOptions {
  readonly policy?: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
}

/** OneGate for this VM. Every call throws Problem (onegate_unreachable, not_in_service) or the signal's reason. */
export interface OneGate {
  /** The id of this VM in OpenNebula. */
  readonly vmId: number;
  /** This VM's clock minus OneGate's in milliseconds, at the last answer; undefined before one. */
  aheadMs(): number | undefined;
  vm(options?: CallOptions): Promise<Vm>;
  /** Another VM of the same service. */
  peer(id: number, options?: CallOptions): Promise<Vm>;
  /** The roles and the ids of their nodes. */
  service(options?: CallOptions): Promise<Service>;
  /** The same with the attributes of every node, for which the front-end looks up each VM. */
  serviceInFull(options?: CallOptions): Promise<Service>;
  /** Merges attributes into this VM's USER_TEMPLATE. READY=YES needs `ready` (guard.ts). Also throws onegate_value_refused. */
  update(
    attributes: Readonly<Record<string, string>>,
    options?: CallOptions & { ready?: boolean },
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
  /** How a request is sent; tests may replace it. */
  readonly send?: typeof httpRequest;
}

/** Throws Problem config_validation_failed when endpoint or token cannot be used at all. */
export function connectOneGate(options: OneGateOptions): OneGate {
  const { token, vmId, clock, random, onRetry, send = httpRequest } = options;
  checkToken(token);
  const base = baseOf(options.endpoint);
  const requests = new Queue();
  const updates = new Queue();
  let ahead: number | undefined;

  async function exchange<T>(
    { path, body, limits, read }: Call<T>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<T | OneGateError> {
    signal?.throwIfAborted();
    let reply: HttpReply;
    try {
      reply = await send({
        method: body === undefined ? 'GET' : 'PUT',
        url: new URL(path, base),
        headers: {
          Accept: 'application/json',
          'X-ONEGATE-TOKEN': token,
          'X-ONEGATE-VMID': String(vmId),
          ...(body !== undefined && { 'Content-Type': 'application/x-www-form-urlencoded' }),
        },
        ...(body !== undefined && { body }),
        timeoutMs,
        maxBytes: limits.bytes,
        signal,
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      return { kind: 'no_answer', failure: error as HttpFailure };
    }
    if (reply.date !== undefined) ahead = clock.now().getTime() - reply.date.getTime();
    const fault = errorIn(reply, token, body !== undefined);
    if (fault !== undefined) return fault;
    const excess = overLimits(reply.body, limits);
    if (excess !== undefined) return { kind: 'unreadable', why: excess };
    try {
      return read(reply.body);
    } catch (error) {
      return { kind: 'unreadable', why: error instanceof z.ZodError ? schemaFault(error) : 'it is not JSON' };
    }
  }

  async function call<T extends object | undefined>(
    what: Call<T>,
    { policy = options.policy ?? PATIENT, signal }: CallOptions = {},
  ): Promise<T> {
    const { doing } = what;
    const stop = anyOf(options.signal, signal);
    const since = clock.now();
    for (let attempt = 1; ; attempt++) {
      const outcome = await unlessAborted(
        requests.add(() => exchange(what, policy.tryTimeoutMs, stop)),
        stop,
      );
      if (!isError(outcome)) return outcome;
      const why = failureText(outcome);
      if (outcome.kind === 'no_service')
        throw new Problem('not_in_service', { doing, found: `OneGate says: ${why}` });
      if (outcome.kind === 'refused' || attempt >= policy.tries) {
        const repeated = policy.tries > 1 && outcome.kind !== 'refused';
        throw new Problem('onegate_unreachable', {
          doing: `${doing} (${base.origin})`,
          found: repeated ? `${why}; ${attempt} tries since ${since.toISOString()}` : why,
          remedy: remedyFor(outcome, base, vmId),
          ...(outcome.kind === 'no_answer' ? { cause: outcome.failure } : {}),
        });
      }
      const waitMs = withJitter(backoff(attempt, policy.firstWaitMs, policy.maxWaitMs), random);
      onRetry?.({ doing, attempt, tries: policy.tries, waitMs, why });
      await clock.sleep(waitMs, stop);
    }
  }

  const get =
    <T extends object>(what: string, path: string, limits: ReplyLimits, parse: (json: unknown) => T) =>
    (how?: CallOptions): Promise<T> =>
      call(
        { doing: `reading ${what} from OneGate`, path, limits, read: (text) => parse(JSON.parse(text)) },
        how,
      );

  return {
    vmId,
    aheadMs: () => ahead,
    vm: get('this VM', '/vm', LIMITS.vm, parseVm),
    peer: (id, how) => get(`VM ${id}`, `/vms/${Math.trunc(id)}`, LIMITS.vm, parseVm)(how),
    service: get('the service', '/service', LIMITS.service, parseService),
    serviceInFull: get(
      'the service and the attributes of its nodes',
      '/service?extended=true',
      LIMITS.serviceInFull,
      parseService,
    ),
    async update(attributes, how = {}) {
      const body = publishable(attributes, how);
      const doing = `publishing ${Object.keys(attributes).join(' ')} on OneGate`;
      await updates.add(() =>
        call({ doing, path: '/vm', body, limits: LIMITS.vm, read: () => undefined }, how),
      );
    },
  };
}

interface Call<T> {
  readonly doing: string;
  readonly path: string;
  /** Of a PUT; a GET without it. */
  readonly body?: string;
  /** Of the reply. */
  readonly limits: ReplyLimits;
  readonly read: (body: string) => T;
}

/** Runs one task at a time, in the order in which they were added. */
class Queue {
  #last: Promise<unknown> = Promise.resolve();

  add<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

const isError = (outcome: unknown): outcome is OneGateError =>
  typeof outcome === 'object' && outcome !== null && 'kind' in outcome;

const anyOf = (...signals: (AbortSignal | undefined)[]): AbortSignal | undefined => {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
};

/** The work's outcome, or the signal's reason as soon as it is aborted: a call in the queue ends at once. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Throws Problem config_validation_failed for a token that no OneGate takes. */
export function checkToken(token: string): void {
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new Problem('config_validation_failed', {
      doing: 'connecting to OneGate',
      found: 'invalid OneGate token',
      expected: 'printable characters without blanks, as one-context writes them into one_env',
      remedy: 'put TOKEN=YES into the CONTEXT, remove ONEGATE_TOKEN from it, and reboot the VM',
      variable: 'TOKEN',
    });
}

function baseOf(endpoint: string): URL {
  const url = parseUrl(endpoint);
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol) && url.hostname !== '')
    return new URL(url.origin);
  throw new Problem('config_validation_failed', {
    doing: 'connecting to OneGate',
    found: 'it is not an http:// or https:// address',
    variable: 'ONEGATE_ENDPOINT',
    example: 'http://172.16.0.1:5030',
  });
}

/** The field at fault; never its value. */
const schemaFault = ({ issues: [issue] }: z.ZodError): string =>
  `${issue?.path.join('.') || 'the document'} has ${issue?.code === 'custom' ? issue.message : 'an unexpected form'}`;
