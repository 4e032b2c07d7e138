// The validity of certificates, for messages.
import type { Certificate } from './certificate.ts';

/** '2026-11-21 06:00 UTC' */
export const onDate = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** What is wrong with the dates, for a sentence; undefined when the certificate is valid at `now`. */
export function outsideValidity(
  certificate: Certificate,
  now: Date,
): { found: string; remedy: string } | undefined {
  const clock = `this VM's clock: ${onDate(now)}`;
  if (now > certificate.notAfter) {
    return {
      found: `${certificate.subject} expired on ${onDate(certificate.notAfter)}; ${clock}`,
      remedy: 'have it issued again',
    };
  }
  if (now < certificate.notBefore) {
    return {
      found: `${certificate.subject} is not valid before ${onDate(certificate.notBefore)}; ${clock}`,
      remedy: 'check the clock (`timedatectl`), or have the certificate issued with an earlier start',
    };
  }
  return undefined;
}
