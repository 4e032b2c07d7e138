// SuperLink, role level: listeners, database and certificates.
import { readSanList } from '../../core/san.ts';
import { certificates, listenAddress, pathBelow, privateKey, text } from '../kinds.ts';
import { rowsOf } from '../variable.ts';

const row = rowsOf('role', 'superlink');

export const SUPERLINK_ONLY = {
  FL_FLEET_API_ADDRESS: row({
    title: 'Fleet API listen address (host:port)',
    ...listenAddress(),
    default: '0.0.0.0:9092',
    description: 'The address that SuperNodes connect to.',
    example: '[::]:9092',
  }),

  FL_CONTROL_API_ADDRESS: row({
    title: 'Control API listen address (host:port)',
    ...listenAddress(),
    default: '127.0.0.1:9093',
    description:
      'The address that `flwr run` connects to. The Control API has no authentication and runs the code that it receives. Any address but a loopback address is a warning.',
    example: '127.0.0.1:9093',
  }),

  FL_DATABASE: row({
    title: 'Database path for state persistence',
    ...pathBelow(),
    default: 'state/state.db',
    description: "The SuperLink's database, below its state directory. It is kept over restarts.",
    example: 'state/federation.db',
  }),

  FL_CERT_EXTRA_SAN: row({
    title: 'Additional certificate SAN entries (IP:addr or DNS:name)',
    ...text('a comma-separated list of IP:<v4 or v6 address> and DNS:<name or *.name>', readSanList),
    description: 'More names in the certificate that the agent issues. No effect with FL_SSL_CERTFILE.',
    example: 'IP:203.0.113.7,DNS:superlink.example.org',
  }),

  FL_SSL_CERTFILE: row({
    title: 'Server certificate (base64 PEM)',
    ...certificates(),
    description:
      "The operator's server certificate, followed by its chain, instead of one that the agent issues. Set FL_SSL_CA_CERTFILE and FL_SSL_KEYFILE as well.",
    example: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI...',
  }),

  FL_SSL_KEYFILE: row({
    title: 'Server private key (base64 PEM)',
    ...privateKey(),
    secret: true,
    description: 'The key of FL_SSL_CERTFILE, without passphrase.',
    example: 'LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JR0h...',
  }),
} as const;
