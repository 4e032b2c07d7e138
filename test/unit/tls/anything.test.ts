// Any text in a variable, on OneGate or from a peer gives a result or a Problem, and no other error.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pemOf } from '../../../src/core/pem.ts';
import { Problem } from '../../../src/core/problem.ts';
import { decodeCaBase64, readCa } from '../../../src/tls/ca.ts';
import { takeOperatorCertificates } from '../../../src/tls/operator.ts';
import { explainPeer } from '../../../src/tls/peer.ts';
import { stillFits } from '../../../src/tls/renewal.ts';
import { trustDecision } from '../../../src/tls/trust.ts';
import { fixture, makeCa, makeServer, NOW, problemOf } from '../../support/certificates.ts';
import { growth, PROPORTIONATE } from '../../support/growth.ts';

const ca = makeCa();
const server = makeServer({ by: ca });
const real = [
  ca.certPem,
  server.certPem,
  server.keyPem,
  fixture('server.pem'),
  fixture('server.encrypted.key'),
  fixture('ec.sec1.key'),
];

/** A real text with some characters exchanged, or cut short. */
const damaged = fc
  .tuple(
    fc.constantFrom(...real),
    fc.array(fc.tuple(fc.nat(6000), fc.string({ maxLength: 3 })), { maxLength: 3 }),
    fc.nat(6000),
  )
  .map(([text, changes, end]) =>
    changes.reduce((so, [at, put]) => so.slice(0, at) + put + so.slice(at + put.length), text).slice(0, end),
  );
/** A real certificate or key with some of its bytes exchanged, well wrapped. */
const damagedInside = fc
  .tuple(
    fc.constantFrom(...real),
    fc.array(fc.tuple(fc.nat(1200), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, changes]) => {
    const [, label = '', body = ''] = /-----BEGIN ([A-Z ]+)-----\n([\s\S]*?)-----END/.exec(text) ?? [];
    const der = Buffer.from(body, 'base64');
    for (const [at, byte] of changes) der[at % der.length] = byte;
    return pemOf(label, der);
  });
const bytes = fc.uint8Array({ maxLength: 400 }).map((some) => Buffer.from(some).toString('latin1'));
const wrapped = fc.uint8Array({ maxLength: 400 }).map((some) => pemOf('CERTIFICATE', some));
const anyText = fc.oneof(fc.string(), bytes, wrapped, damaged, damagedInside);

function holdsFor(property: (...texts: [string, string, string]) => unknown): void {
  fc.assert(
    fc.property(anyText, anyText, anyText, (...texts) => {
      try {
        property(...texts);
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
      }
    }),
    { numRuns: 400 },
  );
}

describe('any text leads to an answer or a Problem', () => {
  test('as a CA', () => holdsFor((text) => readCa(text, { variable: 'FL_SSL_CA_CERTFILE', now: NOW })));

  test('as base64 of a CA', () =>
    holdsFor((text) =>
      readCa(decodeCaBase64(Buffer.from(text).toString('base64'), 'x') + decodeCaBase64(text, 'x'), {
        variable: 'x',
        now: NOW,
      }),
    ));

  test("as an operator's certificates", () => {
    holdsFor((caPem, certPem, keyPem) =>
      takeOperatorCertificates({ caPem, certPem, keyPem }, { now: NOW, addresses: ['10.0.0.5'] }),
    );
    holdsFor((certPem) =>
      takeOperatorCertificates(
        { caPem: ca.certPem, certPem, keyPem: server.keyPem },
        { now: NOW, addresses: ['10.0.0.5'] },
      ),
    );
    holdsFor((keyPem) =>
      takeOperatorCertificates(
        { caPem: ca.certPem, certPem: server.certPem, keyPem },
        { now: NOW, addresses: ['10.0.0.5'] },
      ),
    );
  });

  test('from a peer', () =>
    holdsFor((chainPem, host) => explainPeer({ chainPem, caPem: ca.certPem, host, now: NOW })));

  test('in the attributes on OneGate', () =>
    holdsFor((caCert, pinnedCaPem) =>
      trustDecision({
        tlsEnabled: undefined,
        mode: 'discovery',
        pinnedCaPem,
        published: { tls: 'YES', caCert },
        now: NOW,
      }),
    ));

  test('in the files of the last boot, which then do not match', () =>
    holdsFor((certPem, keyPem) =>
      stillFits(certPem, keyPem, { caPem: ca.certPem, names: { dns: [], ip: [] }, now: NOW }),
    ));
});

test('a text of many BEGIN lines is refused, and costs in proportion to its size', () => {
  const text = (lines: number) => '-----BEGIN CERTIFICATE-----\n'.repeat(lines);
  const refusal = (pem: string) => problemOf(() => readCa(pem, { variable: 'x', now: NOW }));
  expect(refusal(text(35_000)).code).toBe('ca_invalid');
  expect(growth(text, 500, refusal)).toBeLessThan(PROPORTIONATE);
});
