// Pages of problems with certificates and with whom to trust.
import { BEFORE_FLOWER, ENDS, type Page, STATUS, WAITS_FOR_CONTEXT } from './page.ts';

export const TRUST_PAGES = {
  tls_setup_failed: {
    about:
      'A server certificate cannot serve: it is out of its dates, its key is another one, its chain ends before the CA, or it may not be used by a server. All of the faults are told at once',
    found:
      "The operator's FL_SSL_* are examined before anything is done, the SuperLink's certificate before a SuperNode is started",
    agent: `For FL_SSL_*: ${lower(WAITS_FOR_CONTEXT)}. On a SuperNode: ${lower(ENDS)}`,
    look: [
      'flower-context validate FILE',
      'openssl x509 -in server.pem -noout -text',
      'openssl verify -CAfile ca.pem server.pem',
    ],
  },
  ca_missing: {
    about:
      'TLS is wanted (FL_TLS_ENABLED=YES, or the SuperLink publishes it), but there is no CA certificate to verify the SuperLink with. Nothing is ever sent in plaintext instead',
    found:
      'FL_SSL_CA_CERTFILE is empty, and OneGate is not asked (a static address) or has no usable FL_CA_CERT of the SuperLink',
    agent: `${BEFORE_FLOWER}. ${ENDS}`,
    look: ['flower-context ca --base64 (on the SuperLink)', STATUS, 'onegate vm show ID --json'],
  },
  ca_invalid: {
    about:
      'What should be the CA certificate is not one: no base64, no PEM, a key, a server certificate, or a CA out of its dates',
    found: 'FL_SSL_CA_CERTFILE, or the FL_CA_CERT that the SuperLink publishes, is read',
    agent: `${BEFORE_FLOWER}. ${ENDS}`,
    look: ['flower-context ca --base64 (on the SuperLink)', 'openssl x509 -in ca.pem -noout -text'],
  },
  ca_mismatch: {
    about:
      'The SuperLink shows a certificate of another CA than the one this node trusts. Either the SuperLink has a new CA (its disk was made anew), or this is not the SuperLink. Compare the fingerprints on both sides before you trust a new one',
    found: 'The agent opens a TLS connection to the SuperLink and verifies the chain as gRPC does',
    agent: `${BEFORE_FLOWER}. ${ENDS}, with the CA that is then published`,
    look: ['flower-context ca (on both sides)', 'flower-context doctor'],
  },
  address_not_in_certificate: {
    about:
      "A certificate is good for the names and addresses in it. The SuperLink's does not name the address that this node dials: a NAT or floating address, a DNS name, a second network",
    found: "The address dialled is compared with the certificate's subjectAltName, as gRPC does",
    agent: `${BEFORE_FLOWER}. The FL_CERT_EXTRA_SAN line that would mend it is in the message. ${ENDS}`,
    look: [
      'flower-context status (sans, on the SuperLink)',
      'flower-context doctor (on both sides)',
      'FL_CERT_EXTRA_SAN in docs/reference/variables.md',
    ],
  },
  tls_mode_mismatch: {
    about:
      'The SuperLink serves TLS and this node would speak plaintext, or the other way round. Both have to be told the same, or the SuperNode nothing: then it follows what the SuperLink publishes',
    found: 'FL_TLS_ENABLED is compared with FL_TLS on OneGate, and with what really answers at the address',
    agent: `When this node wants TLS: ${lower(ENDS)}. With FL_TLS_ENABLED=NO here it is a warning, because you said so`,
    look: ['flower-context context | grep FL_TLS_ENABLED (on both sides)', 'flower-context doctor'],
  },
} as const satisfies Record<string, Page>;

function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
