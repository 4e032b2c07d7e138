// Parts of the launcher that real Flower rarely shows.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/host/process.ts';

/** Method, status and text as gRPC's Python gave them, and the reason. Null: the SuperLink answered. */
const CALLS: readonly (readonly [string, string, string, RegExp | null])[] = [
  [
    'PullMessages',
    'UNAVAILABLE',
    'failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.5:9092: Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate: OK',
    /not signed by the CA/,
  ],
  ['PullMessages', 'UNAVAILABLE', 'CERTIFICATE_VERIFY_FAILED: certificate has expired: OK', /has expired/],
  [
    'PullMessages',
    'UNAVAILABLE',
    'Custom verification check failed with error: UNAUTHENTICATED: Hostname Verification Check failed.',
    /does not name this address/,
  ],
  [
    'PullMessages',
    'UNAVAILABLE',
    'Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:100000f7: WRONG_VERSION_NUMBER',
    /does not speak TLS/,
  ],
  ['PullMessages', 'UNAVAILABLE', 'Failed to connect to remote host: Connection refused', /nothing listens/],
  ['PullMessages', 'UNAVAILABLE', 'ping timeout', /went silent/],
  // Of HTTP.
  [
    'PullMessages',
    'FOREIGN',
    'HTTP 404, text/html',
    /answers, but not as a Fleet API \(HTTP 404, text\/html\)/,
  ],
  ['GetRun', 'GATEWAY', 'HTTP 503', /answers HTTP 503: the SuperLink is overloaded, or a proxy/],
  [
    'PullMessages',
    'FAULT',
    'HTTP 500: it broke',
    /answers with an error \(HTTP 500: it broke\); see its journal/,
  ],
  ['RegisterNode', 'HTTP 403', 'registration is disabled', /refuses this node: HTTP 403 registration/],
  ['PushObject', 'HTTP 413', '', null],
  [
    'RegisterNode',
    'UNAVAILABLE',
    'no plaintext: Server disconnected',
    /it may require TLS; see FL_TLS_ENABLED/,
  ],
  ['PullMessages', 'UNAVAILABLE', 'illegal status line: b"SSH-2.0"', /does not speak HTTP/],
  ['PullMessages', 'UNAVAILABLE', 'recvmsg:Connection timed out', /went silent/],
  [
    'PullMessages',
    'UNAVAILABLE',
    'Stream removed (recvmsg:Connection reset by peer (104))',
    /closed the connection/,
  ],
  ['PullMessages', 'UNAVAILABLE', 'Stream removed (sendmsg: Broken pipe (32))', /closed the connection/],
  [
    'PullMessages',
    'UNAVAILABLE',
    'errors resolving x:1: [field:hostname lookup error:address lookup failed]',
    /does not resolve/,
  ],
  [
    'PullMessages',
    'UNAVAILABLE',
    'failed to connect; last error: something new',
    /not reachable: something new/,
  ],
  ['SendNodeHeartbeat', 'DEADLINE_EXCEEDED', 'Deadline Exceeded', /did not answer in time/],
  ['RegisterNode', 'UNAUTHENTICATED', 'Invalid timestamp', /clock of this VM is more than 5 s ahead/],
  ['PullMessages', 'UNAUTHENTICATED', 'Invalid node ID', /has no record of this node any more/],
  [
    'ActivateNode',
    'FAILED_PRECONDITION',
    'could not be activated',
    /refuses this node: FAILED_PRECONDITION could not be activated/,
  ],
  ['GetRun', 'PERMISSION_DENIED', 'run is not running', null],
  ['PushMessages', 'INTERNAL', 'boom', null],
  ['ActivateNode', 'OK', '', null],
];

const LIB = join(import.meta.dirname, '../../appliance/lib');
let answers: Record<string, unknown>[] = [];

beforeAll(async () => {
  const questions = JSON.stringify(CALLS.map(([method, code, details]) => [method, code, details]));
  const script = join(import.meta.dirname, '../support/launcher-parts.py');
  const { code, stdout, stderr } = await run(process.env.PYTHON ?? 'python3', [script, LIB, questions], {
    timeoutMs: 30_000,
  });
  expect(code, stderr).toBe(0);
  answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
});

const further = (index: number): Record<string, unknown> => answers[CALLS.length + index]!;

describe('a failed call to the Fleet API', () => {
  it.each(CALLS.map((call, index) => [index, ...call] as const))(
    'is explained for a person (%i: %s, %s)',
    (index, _method, _code, _details, wanted) => {
      const { reason } = answers[index]!;
      if (wanted === null) expect(reason).toBeNull();
      else expect(reason).toMatch(wanted);
    },
  );
});

describe('inside the launcher', () => {
  it('a gRPC option of the plan replaces all others of that name', () => {
    expect(further(0)).toEqual({
      merged: [
        ['grpc.b', 2],
        ['grpc.a', 9],
      ],
    });
  });

  it('two spellings of an address are equal', () => {
    expect(further(1)).toEqual({ same: [true, true, false] });
  });

  it('the end of the heartbeat thread ends a SuperNode that would be counted as offline; another thread does not', () => {
    expect(further(2)).toEqual({ file: 'other.py', fatal: null });
    expect(further(3)).toEqual({
      file: 'heartbeat.py',
      fatal: "Flower's heartbeat thread ended (not recognised)",
    });
  });

  it('a failed handshake after acceptance ends it too, unless a call succeeds in time', () => {
    expect(further(4)).toEqual({ phase: 'lost', fatal: true });
    expect(further(5)).toEqual({ phase: 'accepted', fatal: false, in_flight: 0 });
  });

  it('a refusal of a run does not change the state of the connection', () => {
    expect(further(6)).toEqual({ phase: 'accepted' });
  });

  it('status 0 without a stop request is a failure, and any status after a stop request is a success', () => {
    expect(further(7)).toEqual({ verdicts: [75, 1, 3] });
    expect(further(8)).toEqual({ asked: 0 });
  });

  it('a call on a path that is cut may end some seconds later than keepalive says', () => {
    const hung = 'Flower has stopped calling the SuperLink; no call for 100 s';
    expect(further(9)).toEqual({ pending: [null, null, null, null, hung], ended: null });
  });
});
