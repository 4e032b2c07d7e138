import type { SuperLinkConfig } from '../config/parse.ts';
import { takeOperatorCertificates } from '../tls/operator.ts';

/**
 * The operator's three PEM texts, checked and cleaned; undefined when none was given (all three or none is checked
 * with the variables). Throws Problem with everything that is wrong with them.
 */
export function operatorCertificates(
  config: SuperLinkConfig,
  { addresses, hostNames }: { addresses: readonly string[]; hostNames: readonly string[] },
  now: Date,
): ReturnType<typeof takeOperatorCertificates> | undefined {
  const { FL_SSL_CA_CERTFILE: caPem, FL_SSL_CERTFILE: certPem, FL_SSL_KEYFILE: keyPem } = config;
  if (!config.FL_TLS_ENABLED || caPem === undefined || certPem === undefined || keyPem === undefined)
    return undefined;
  return takeOperatorCertificates({ caPem, certPem, keyPem }, { now, addresses, dialNames: hostNames });
}
