// What grpc-js said in each case, as seen against real listeners, and what it means for a person.
import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/flower/probe.ts';

const tls = { host: '10.0.0.5', port: 9092, ca: 'PEM' };
const last = (text: string): string => `No connection established. Last error: ${text}. Resolution note: `;

describe('a Fleet API', () => {
  it('is recognized because it refuses a call without the headers of a node', () => {
    expect(judge({ code: 16, details: 'Missing authentication metadata', ms: 12.4 }, tls)).toEqual({
      ok: true,
      ms: 12,
    });
  });

  it.each([
    [12, 'Method not found!', /is not Flower's Fleet API/],
    [14, last('Protocol error (2026-11-21T07:06:33.927Z)'), /does not speak gRPC/],
    [4, 'Deadline exceeded after 2.000s', /does not answer/],
    [
      14,
      last('Error: unable to verify the first certificate; if the root CA is installed locally, try'),
      /not signed by the CA/,
    ],
    [
      14,
      last("Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames"),
      /does not name/,
    ],
    [14, last('Error: certificate has expired'), /has expired/],
    [
      14,
      last('Error: error:0A00010B:SSL routines:tls_validate_record_header:wrong version number'),
      /does not speak TLS/,
    ],
    [14, last('Error: connect ECONNREFUSED 10.0.0.5:9092'), /no program listens/],
    [14, last('Error: connect EHOSTUNREACH 10.0.0.5:9092'), /no route/],
    [14, 'Name resolution failed for target dns:x:9092', /does not resolve/],
    [14, last('Error: something new'), /something new/],
  ])('is not recognized: %i %s', (code, details, reason) => {
    const result = judge({ code, details, ms: 1 }, tls);
    expect(result.ok).toBe(false);
    expect((result as { reason: string }).reason).toMatch(reason);
    expect((result as { reason: string }).reason).toContain('10.0.0.5:9092');
  });

  it('may require TLS when it closes a plaintext connection', () => {
    const details = last('Failed to connect (2026-11-21T07:04:35.353Z)');
    const reason = (ca: string | null) => judge({ code: 14, details, ms: 1 }, { ...tls, ca });
    expect(reason(null)).toMatchObject({ reason: expect.stringContaining('require TLS') });
    expect(reason('PEM')).toMatchObject({ reason: expect.stringContaining('Failed to connect') });
  });
});
