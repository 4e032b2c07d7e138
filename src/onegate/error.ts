// The errors of one request to OneGate: what happened, and what to do about it.
import { plain } from '../core/text.ts';
import { parseUrl } from '../core/url.ts';
import type { HttpFailure, HttpReply } from '../host/http.ts';

export type OneGateError =
  /** No reply at all, or not a whole one. */
  | { readonly kind: 'no_answer'; readonly failure: HttpFailure }
  /** An error status that may be temporary. `location`: the target of a redirect. */
  | { readonly kind: 'status'; readonly status: number; readonly text: string; readonly location?: string }
  /** 200 with an unexpected document, or with any text in answer to an update. */
  | { readonly kind: 'unreadable'; readonly why: string }
  /** A status that a repeated request cannot change. */
  | { readonly kind: 'refused'; readonly status: number; readonly text: string }
  /** This VM is in no service. */
  | { readonly kind: 'no_service'; readonly text: string };

/** The answers to GET /service and GET /vms/ID of a VM outside any service (recorded exchanges 06 and 29). */
const NO_SERVICE = /^(Empty or invalid SERVICE_ID|This VM does not belong to any)/;

/**
 * The error in a reply, if it is one. Quoted text never holds the token. OneGate answers a stored update with 200 and an
 * empty body (recorded exchanges 10, 16, 30); the login page of a proxy also has the status 200.
 */
export function errorIn(reply: HttpReply, token: string, updating: boolean): OneGateError | undefined {
  const { status, body } = reply;
  // Made plain first: a terminal sequence inside the token must not hide it.
  const text = quotable(plain(body, 4_000).replaceAll(token, '<token>'));
  if (status === 200) {
    return updating && body !== ''
      ? { kind: 'unreadable', why: `an empty answer was expected, not ${body.length} characters: ${text}` }
      : undefined;
  }
  if (status === 400 && NO_SERVICE.test(text)) return { kind: 'no_service', text };
  if (isRedirect(status)) return { kind: 'status', status, text: '', ...locationOf(reply) };
  return { kind: status === 403 ? 'refused' : 'status', status, text };
}

/** One clause: what OneGate answered. */
export function failureText(error: OneGateError): string {
  if (error.kind === 'no_answer') return error.failure.message;
  if (error.kind === 'unreadable') return `unexpected answer: ${error.why}`;
  if (error.kind === 'no_service') return error.text;
  const { status, text, location } = { location: undefined, ...error };
  if (location !== undefined) return `it answered ${status}, a redirect to ${location}`;
  return `it answered ${status} ${text}`.trimEnd();
}

/** OneGate itself never redirects. A proxy does, mostly from http to https. */
const isRedirect = (status: number): boolean => status >= 300 && status < 400 && status !== 304;

/** Without query and user, which may hold a secret. */
function locationOf({ headers: { location: given } }: HttpReply): { location?: string } {
  if (typeof given !== 'string') return {};
  const url = parseUrl(given);
  return { location: quotable(url === undefined ? given.split(/[?#]/)[0]! : `${url.origin}${url.pathname}`) };
}

/** What an operator can do about the error. */
export function remedyFor(error: OneGateError, base: URL, vmId: number): string {
  const notOneGate = `check what listens at ${base.origin}: it does not answer like OneGate`;
  if (error.kind === 'no_answer') {
    switch (error.failure.kind) {
      case 'refused':
        return `start OneGate on the front-end (\`systemctl status opennebula-gate\`), and check that it listens at ${base.origin} (onegate-server.conf :host:)`;
      case 'dns':
        return `add ${base.hostname} to the DNS of this VM, or set ONEGATE_ENDPOINT to an address in oned.conf`;
      case 'tls':
        return `install the CA of ${base.origin} in this VM's system trust (update-ca-certificates) and restart flower-context, or use http`;
      case 'unroutable':
      case 'timeout':
        return `check the route and the firewall from this VM to ${base.host}, and that oned and OneFlow answer on the front-end`;
      default:
        return notOneGate;
    }
  }
  if (error.kind === 'unreadable') return `${notOneGate} (a proxy or a login page?)`;
  if (error.kind === 'no_service') return 'deploy the VM through a OneFlow service';
  const { status, text } = error;
  const proxied = remedyForProxy(error, base);
  if (proxied !== undefined) return proxied;
  if (status === 401)
    return `check that oned runs on the front-end (OneGate answers 401 while it does not); if it runs, the token is not that of VM ${vmId}: ${NEW_DISC}`;
  if (status === 404)
    return 'check that OneFlow runs on the front-end (`systemctl status opennebula-flow`), and that the service still exists: OneGate answers 404 without either';
  if (status === 400 && text.includes('does not contain VM'))
    return 'check that `oneflow show` on the front-end lists the VM: OneFlow lists the VMs of a step once all of them are created';
  if (status === 403 && /host/i.test(text))
    return 'set ONEGATE_ENDPOINT to an address in oned.conf: this version of OneGate refuses host names (fixed in OpenNebula 7.4)';
  if (status === 403)
    return 'check :permissions: and :restricted_attrs: in onegate-server.conf on the front-end';
  return 'read /var/log/one/onegate.log on the front-end; the reason is only there';
}

const NEW_DISC = 'power the VM off and resume it, which renews its CONTEXT disc';

/** Answers that come from a proxy in front of OneGate. OneGate itself never redirects and never sends an empty 403. */
function remedyForProxy(
  { status, text, ...more }: Extract<OneGateError, { status: number }>,
  base: URL,
): string | undefined {
  if (isRedirect(status)) {
    const location = 'location' in more ? more.location : undefined;
    const origin = parseUrl(location ?? '')?.origin ?? base.origin;
    return origin === base.origin
      ? `check what listens at ${base.origin}: OneGate never redirects (a login page?)`
      : `set ONEGATE_ENDPOINT to ${origin} in oned.conf on the front-end, the target of the redirect; then ${NEW_DISC}`;
  }
  if (status === 403 && text === '')
    return `check what listens at ${base.origin}: OneGate never sends an empty 403 (does a proxy refuse this VM's address?)`;
  if (status === 413)
    return `let the proxy at ${base.origin} pass larger requests (nginx: client_max_body_size 1m); OneGate itself has no such limit`;
  if (status === 502 || status === 503 || status === 504)
    return `start OneGate on the front-end (\`systemctl status opennebula-gate\`): the proxy at ${base.origin} does not reach it`;
  return undefined;
}

/** The beginning of a body or of a header, for a sentence. */
const quotable = (text: string): string => plain(text, 120);
