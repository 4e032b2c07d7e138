// What can go wrong with one question to OneGate, told in words, and what to do about it.
import type { HttpFailure, HttpReply } from '../host/http.ts';

export type OneGateError =
  /** No reply at all, or not a whole one. */
  | { readonly kind: 'no_answer'; readonly failure: HttpFailure }
  /** A status other than success that may pass. `location`: where a redirect points. */
  | { readonly kind: 'status'; readonly status: number; readonly text: string; readonly location?: string }
  /** 200, but not the document that was asked for, or more than the nothing that an update is answered with. */
  | { readonly kind: 'unreadable'; readonly why: string }
  /** A status that will not change by asking again. */
  | { readonly kind: 'refused'; readonly status: number; readonly text: string }
  /** This VM is in no service. */
  | { readonly kind: 'no_service'; readonly text: string };

/** Exchanges 06 and 29: the answers to GET /service and GET /vms/ID of a VM outside any service. */
const NO_SERVICE = /^(Empty or invalid SERVICE_ID|This VM does not belong to any)/;

/**
 * What is wrong with this reply, if anything. The token is taken out of whatever is quoted. An update that was stored is
 * answered with 200 and an empty body (exchanges 10, 16, 30): a proxy's or a portal's login page is 200, too.
 */
export function judge(reply: HttpReply, token: string, updating: boolean): OneGateError | undefined {
  const text = quotable(reply.body.replaceAll(token, '<token>'));
  if (reply.status === 200) {
    return updating && reply.body !== ''
      ? {
          kind: 'unreadable',
          why: `an update that was stored is answered with nothing, this one with ${reply.body.length} characters: ${text}`,
        }
      : undefined;
  }
  if (reply.status === 400 && NO_SERVICE.test(text)) return { kind: 'no_service', text };
  if (isRedirect(reply.status))
    return { kind: 'status', status: reply.status, text: '', ...locationOf(reply) };
  return { kind: reply.status === 403 ? 'refused' : 'status', status: reply.status, text };
}

/** One clause: what OneGate answered. */
export function failureText(mishap: OneGateError): string {
  switch (mishap.kind) {
    case 'no_answer':
      return mishap.failure.message;
    case 'unreadable':
      return `it answered with something else: ${mishap.why}`;
    case 'no_service':
      return mishap.text;
    default:
      return `it answered ${mishap.status}${saidOf(mishap)}`;
  }
}

/** OneGate itself never sends one: a proxy does, mostly from http to https. */
const isRedirect = (status: number): boolean => status >= 300 && status < 400 && status !== 304;

/** Without a query and without a user, which may hold what nobody should read. */
function locationOf({ headers }: HttpReply): { location?: string } {
  const given = headers['location'];
  if (typeof given !== 'string') return {};
  const url = URL.parse(given);
  return { location: quotable(url === null ? given.split(/[?#]/)[0]! : `${url.origin}${url.pathname}`) };
}

function saidOf(mishap: { readonly text: string; readonly location?: string }): string {
  if (mishap.location !== undefined) return `, a redirect to ${mishap.location}`;
  return mishap.text === '' ? '' : ` ${mishap.text}`;
}

/** What to check, for the last thing that went wrong. */
export function remedyFor(mishap: OneGateError, base: URL, vmId: number): string {
  if (mishap.kind === 'no_answer') {
    switch (mishap.failure.kind) {
      case 'refused':
        return `start OneGate on the front-end (\`systemctl status opennebula-gate\`), and check that it listens at ${base.origin} (onegate-server.conf :host:)`;
      case 'dns':
        return `make ${base.hostname} known to this VM, or set ONEGATE_ENDPOINT to an address in oned.conf`;
      case 'tls':
        return `install the CA of ${base.origin} in this VM's system trust (update-ca-certificates) and restart flower-context, or use http`;
      case 'unroutable':
      case 'timeout':
        return `check the route and the firewall from this VM to ${base.host}, and that oned and OneFlow answer on the front-end`;
      default:
        return `check what listens at ${base.origin}: it does not answer as OneGate does`;
    }
  }
  if (mishap.kind === 'unreadable')
    return `check what listens at ${base.origin}: it does not answer as OneGate does (a proxy or a login page on the way?)`;
  if (mishap.kind === 'no_service') return 'deploy the VM through a OneFlow service';
  const proxied = remedyForProxy(mishap, base);
  if (proxied !== undefined) return proxied;
  if (mishap.status === 401) {
    return `check that oned runs on the front-end (OneGate answers 401 while it does not); else the token is not that of VM ${vmId}: have its CONTEXT disc made anew (power the VM off and resume it)`;
  }
  if (mishap.status === 404) {
    return 'check that OneFlow runs on the front-end (`systemctl status opennebula-flow`): OneGate answers 404 while it does not, and when the service was deleted';
  }
  if (mishap.status === 400 && mishap.text.includes('does not contain VM')) {
    return 'check on the front-end that the service lists the VM (`oneflow show`): OneFlow does so only once all VMs of a step are created, and no longer once one is terminated';
  }
  if (mishap.status === 403 && /host/i.test(mishap.text)) {
    return 'set ONEGATE_ENDPOINT to an address in oned.conf: this version of OneGate refuses host names (fixed in OpenNebula 7.4)';
  }
  if (mishap.status === 403)
    return 'check :permissions: and :restricted_attrs: in onegate-server.conf on the front-end';
  return 'look at /var/log/one/onegate.log on the front-end; the reason is only there';
}

/** Answers that OneGate never gives, so something in front of it did. An empty 403 is one: OneGate says what it refuses. */
function remedyForProxy(
  { status, text, ...more }: Extract<OneGateError, { status: number }>,
  base: URL,
): string | undefined {
  if (isRedirect(status)) {
    const location = 'location' in more ? more.location : undefined;
    const origin = URL.parse(location ?? '')?.origin ?? base.origin;
    return origin === base.origin
      ? `check what listens at ${base.origin}: OneGate never redirects (a login page of a proxy?)`
      : `set ONEGATE_ENDPOINT to ${origin} in oned.conf on the front-end, where a proxy sends on what is asked of OneGate; then make the CONTEXT disc anew (power the VM off and resume it)`;
  }
  if (status === 403 && text === '')
    return `check what listens at ${base.origin}: a 403 without a reason is not OneGate's (a proxy that refuses this VM's address?)`;
  if (status === 413)
    return `let the proxy at ${base.origin} pass larger requests (nginx: client_max_body_size 1m); OneGate itself has no such limit`;
  if (status === 502 || status === 503 || status === 504)
    return `start OneGate on the front-end (\`systemctl status opennebula-gate\`): the proxy at ${base.origin} does not reach it`;
  return undefined;
}

/** The beginning of somebody else's text, fit for a journal: one line, printable, short. */
const quotable = (text: string): string => {
  const line = text.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 120)}...` : line;
};
