import { describe, expect, test } from 'vitest';
import { readCa } from '../../../src/tls/ca.ts';
import { type TrustFacts, trustDecision } from '../../../src/tls/trust.ts';
import { days, makeCa, makeServer, NOW, problemOf } from '../../support/certificates.ts';

const pinned = makeCa({ cn: 'Pinned CA' }).certPem;
const offered = makeCa({ cn: 'Offered CA' }).certPem;
const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
const yes = { tls: 'YES', caCert: base64(offered) } as const;
const no = { tls: 'NO' } as const;

const decide = (facts: Partial<TrustFacts>) =>
  trustDecision({ tlsEnabled: undefined, mode: 'discovery', now: NOW, ...facts });
const refusal = (facts: Partial<TrustFacts>) => problemOf(() => decide(facts));
const warned = (facts: Partial<TrustFacts>): string[] => decide(facts).warnings.map(({ code }) => code);

describe('with FL_TLS_ENABLED=YES', () => {
  test('the CA is the pinned one, else the one on OneGate', () => {
    expect(decide({ tlsEnabled: true, pinnedCaPem: pinned, mode: 'static' })).toMatchObject({
      tls: true,
      caPem: pinned,
      source: 'FL_SSL_CA_CERTFILE',
      fingerprintSha256: readCa(pinned, { variable: 'x', now: NOW }).fingerprintSha256,
    });
    expect(decide({ tlsEnabled: true, published: yes })).toMatchObject({
      tls: true,
      caPem: offered,
      source: 'OneGate',
    });
    expect(decide({ tlsEnabled: true, published: { tls: undefined, caCert: yes.caCert } })).toMatchObject({
      tls: true,
      caPem: offered,
    });
  });

  test('a missing CA is a failure whose remedy is how to provide one', () => {
    const atStatic = refusal({ tlsEnabled: true, mode: 'static' });
    const found = refusal({ tlsEnabled: true, published: { tls: 'YES' } });
    expect([atStatic.code, found.code]).toEqual(['ca_missing', 'ca_missing']);
    expect(atStatic.facts.found).toContain('OneGate is not used because FL_SUPERLINK_ADDRESS is set');
    expect(found.facts.found).toContain('the SuperLink publishes no usable FL_CA_CERT');
    expect(atStatic.facts.variable).toBe('FL_SSL_CA_CERTFILE');
  });

  test('a SuperLink that publishes FL_TLS=NO is a failure, pinned CA or not', () => {
    for (const facts of [{}, { pinnedCaPem: pinned }]) {
      const problem = refusal({ tlsEnabled: true, published: no, ...facts });
      expect(problem.code).toBe('tls_mode_mismatch');
      expect(problem.facts.found).toContain('FL_TLS_ENABLED=YES here, but the SuperLink publishes FL_TLS=NO');
    }
  });
});

describe('with FL_TLS_ENABLED=NO', () => {
  test('it is plaintext', () => {
    expect(decide({ tlsEnabled: false, mode: 'static' })).toEqual({ tls: false, warnings: [] });
    expect(decide({ tlsEnabled: false, published: no })).toEqual({ tls: false, warnings: [] });
  });

  test('a SuperLink that publishes FL_TLS=YES is a warning', () => {
    expect(decide({ tlsEnabled: false, published: yes }).tls).toBe(false);
    expect(warned({ tlsEnabled: false, published: yes })).toEqual(['tls_mode_mismatch']);
    expect(decide({ tlsEnabled: false, published: yes }).warnings.map(({ severity }) => severity)).toEqual([
      'warning',
    ]);
  });

  test('a pinned CA that is thereby not used is a warning', () => {
    expect(warned({ tlsEnabled: false, mode: 'static', pinnedCaPem: pinned })).toEqual(['config_suspicious']);
  });
});

describe('with FL_TLS_ENABLED unset', () => {
  test('a pinned CA means TLS with it, in both modes', () => {
    for (const mode of ['static', 'discovery'] as const) {
      expect(decide({ mode, pinnedCaPem: pinned })).toMatchObject({
        tls: true,
        caPem: pinned,
        source: 'FL_SSL_CA_CERTFILE',
        warnings: [],
      });
    }
  });

  test('a pinned CA and a SuperLink that publishes FL_TLS=NO is a failure, not plaintext', () => {
    expect(refusal({ pinnedCaPem: pinned, published: no }).code).toBe('tls_mode_mismatch');
  });

  test('a pinned CA wins over another one on OneGate, with a warning', () => {
    expect(decide({ pinnedCaPem: pinned, published: yes })).toMatchObject({ caPem: pinned });
    expect(warned({ pinnedCaPem: pinned, published: yes })).toEqual(['config_suspicious']);
    expect(warned({ pinnedCaPem: offered, published: yes })).toEqual([]);
    expect(warned({ pinnedCaPem: pinned + offered, published: yes })).toEqual([]);
    expect(warned({ pinnedCaPem: pinned, published: { tls: 'YES', caCert: '!' } })).toEqual([]);
  });

  test('the mode is that of the SuperLink on OneGate', () => {
    expect(decide({ published: yes })).toMatchObject({
      tls: true,
      caPem: offered,
      source: 'OneGate',
      warnings: [],
    });
    expect(decide({ published: no }).tls).toBe(false);
  });

  test('plaintext because the SuperLink publishes it is a warning', () => {
    expect(warned({ published: no })).toEqual(['config_suspicious']);
  });

  test('FL_TLS=YES without a usable CA is a failure, never plaintext', () => {
    const server = makeServer({}).certPem.replace(/\nMI/, '\nMJ');
    const expired = makeCa({ from: days(-9), until: days(-1) }).certPem;
    expect(refusal({ published: { tls: 'YES' } }).code).toBe('ca_missing');
    for (const caCert of ['', '-', 'AAAA', base64('hello'), base64(server), base64(expired)]) {
      const problem = refusal({ published: { tls: 'YES', caCert } });
      expect(problem.code).toBe('ca_invalid');
      expect(problem.facts.doing).toContain("the SuperLink's FL_CA_CERT on OneGate");
      expect(problem.facts.variable).toBeUndefined(); // nothing in this VM's CONTEXT is at fault
    }
  });

  test('a SuperLink that does not publish its TLS mode is a failure', () => {
    expect(refusal({ published: { tls: undefined } }).code).toBe('tls_mode_mismatch');
    expect(refusal({}).code).toBe('tls_mode_mismatch');
  });

  test('a static address without a CA is a failure that asks for a CA or a clear NO', () => {
    const problem = refusal({ mode: 'static' });
    expect(problem.code).toBe('ca_missing');
    expect(problem.facts.remedy).toMatch(/FL_SSL_CA_CERTFILE.*FL_TLS_ENABLED=NO/);
  });
});

test('a broken pinned CA is a failure that names the variable, whatever OneGate says', () => {
  for (const tlsEnabled of [true, undefined]) {
    const problem = refusal({ tlsEnabled, pinnedCaPem: 'nonsense', published: yes });
    expect([problem.code, problem.facts.variable]).toEqual(['ca_invalid', 'FL_SSL_CA_CERTFILE']);
  }
});

test('nothing but an explicit NO, here or published, ever leads to plaintext', () => {
  for (const tlsEnabled of [true, undefined])
    for (const mode of ['static', 'discovery'] as const)
      for (const pinnedCaPem of [undefined, pinned, 'broken'])
        for (const published of [undefined, yes, { tls: undefined }, { tls: 'YES' as const }]) {
          let tls = true;
          try {
            tls = decide({
              tlsEnabled,
              mode,
              ...(pinnedCaPem && { pinnedCaPem }),
              ...(published && { published }),
            }).tls;
          } catch {}
          expect(tls).toBe(true);
        }
});
