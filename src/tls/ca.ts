// The CA certificates that a SuperNode trusts, and those of an operator for a SuperLink.
import { isBase64 } from '../core/pem.ts';
import { joinProblems, Problem } from '../core/problem.ts';
import { type Certificate, outsideValidity, type WhichClock } from './certificate.ts';
import { weakness } from './strength.ts';
import { certificatesIn } from './texts.ts';

export interface CaOptions {
  /** The source of the text: a variable of the CONTEXT, or words ('OneGate'). */
  readonly variable: string;
  readonly now: Date;
  readonly which?: WhichClock | undefined;
  /** Code of the problems; ca_invalid when left out. */
  readonly code?: 'ca_invalid' | 'tls_setup_failed';
}

export interface TrustedCa {
  /** Clean PEM with every usable CA of the text, in its order. */
  readonly caPem: string;
  /** Of the first: AA:BB:... */
  readonly fingerprintSha256: string;
  readonly certificates: readonly Certificate[];
  /** Certificates that were ignored, and other findings. */
  readonly warnings: readonly Problem[];
}

/**
 * Reads one or more CA certificates from PEM text. A self-signed certificate is accepted also without CA:TRUE: a
 * self-signed server certificate is its own trust anchor (gRPC accepts it, measured with grpcio 1.70 and 1.85). Unusable
 * ones among several are ignored with a warning.
 * @throws Problem ca_invalid (or `code`) when no usable one is left: empty, not PEM, a key, not a CA, expired, with a weak
 * key, ...
 */
export function readCa(pemText: string, options: CaOptions): TrustedCa {
  const { variable, now, which, code = 'ca_invalid' } = options;
  const where = whereFrom(variable);
  const text = certificatesIn(pemText);
  if (text.fault !== undefined) {
    throw new Problem(code, { ...where, expected: 'a CA certificate in PEM', ...text.fault });
  }
  const faults: Problem[] = [];
  const unique = new Map(text.certificates.map((certificate) => [certificate.sha256, certificate]));
  const certificates = [...unique.values()].filter((certificate) => {
    const fault = unfit(certificate, now, which);
    if (fault !== undefined) faults.push(new Problem(code, { ...where, ...fault }));
    return fault === undefined;
  });
  const [first] = certificates;
  if (first === undefined) throw joinProblems([faults[0]!, ...faults.slice(1)]);
  const warnings = faults.map(
    ({ facts }) => new Problem('config_suspicious', { ...facts, found: `${facts.found}; ignored` }),
  );
  if (text.hasKey) warnings.push(keyBeside(where.doing, variable));
  return {
    caPem: certificates.map(({ pem }) => pem).join(''),
    fingerprintSha256: first.sha256,
    certificates,
    warnings,
  };
}

/**
 * PEM text from base64, the form of FL_CA_CERT on OneGate; `source` names it. Blanks and the URL alphabet are accepted, and
 * PEM that is not encoded.
 * @throws Problem ca_invalid when it is not base64.
 */
export function decodeCaBase64(value: string, source: string): string {
  if (value.includes('-----BEGIN ')) return value;
  const base64 = value.replace(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/');
  if (isBase64(base64)) return Buffer.from(base64, 'base64').toString('utf8');
  const found = base64 === '' ? 'nothing (it is empty)' : `${value.length} characters that are not base64`;
  throw new Problem('ca_invalid', {
    ...whereFrom(source),
    found,
    expected: 'base64 of a CA certificate in PEM',
  });
}

/** Only a variable that an operator can set is named as the one at fault. */
function whereFrom(source: string): { readonly doing: string; readonly variable?: string } {
  const doing = `reading the CA certificate in ${source}`;
  return /^[A-Z0-9_]+$/.test(source) ? { doing, variable: source } : { doing };
}

/** A warning for a private key beside certificates, in a variable that is not secret. */
export const keyBeside = (doing: string, variable: string): Problem =>
  new Problem('config_suspicious', {
    doing,
    found: 'a private key beside the certificates; it was ignored, but this variable is not secret',
    remedy: `remove the key from ${variable} and replace it, because others may have read it`,
    variable,
  });

function unfit(
  certificate: Certificate,
  now: Date,
  which: WhichClock | undefined,
): { found: string; expected?: string; remedy: string } | undefined {
  if (certificate.isCa || certificate.selfSigned)
    return (
      outsideValidity(certificate, now, which) ??
      weakness(certificate, certificate.mayIssue ? 'issuer' : 'server')
    );
  return {
    found: `${certificate.subject} is not a CA`,
    expected: 'a certificate with basicConstraints CA:TRUE',
    remedy: `use the certificate of the CA that issued it, ${certificate.issuer}`,
  };
}
