// Cross-variable rules about what is accepted but probably not meant.

import { formatHostPort } from '../core/hostport.ts';
import { isLoopback, parseIp } from '../core/ip.ts';
import { quoteName } from '../core/text.ts';
import { downloadOf, roomFor, spokenSize } from './frameworks.ts';
import { doubtsAbout } from './node-config.ts';
import { hasApp } from './release.ts';
import { robustClients } from './robust.ts';
import { onBoth, onSuperLink, onSuperNode, type Rule } from './rule.ts';
import { RUN } from './table/run.ts';
import type { VariableName } from './table.ts';
import type { Variable } from './variable.ts';

/** Below this, gRPC servers elsewhere on the path are known to object to keepalive probes. */
const SHORT_KEEPALIVE_S = 10;

/** What a peer that was not told otherwise has: FL_GRPC_KEEPALIVE_TIME=60, so probes accepted from 30 s on. */
const PEER_KEEPALIVE_S = 60;

export const SUSPICIONS: readonly Rule[] = [
  onSuperLink(
    ['FL_STRATEGY', 'FL_NUM_MALICIOUS', 'FL_MIN_FIT_CLIENTS', 'FL_MIN_AVAILABLE_CLIENTS'],
    (values) => {
      const { FL_MIN_FIT_CLIENTS: fit, FL_MIN_AVAILABLE_CLIENTS: available } = values;
      const robust = robustClients(values.FL_STRATEGY, values.FL_NUM_MALICIOUS);
      // Too few for the strategy is an error of its own, about the available ones.
      if (fit <= available || (robust !== undefined && available < robust.needed)) return undefined;
      return {
        variable: 'FL_MIN_FIT_CLIENTS',
        severity: 'warning',
        found: `${fit}, more than FL_MIN_AVAILABLE_CLIENTS=${available}: a run starts with fewer nodes than a round needs`,
        expected: `FL_MIN_AVAILABLE_CLIENTS of at least ${fit}`,
        example: String(available),
      };
    },
  ),

  ...Object.entries<Variable>(RUN)
    .filter(([, row]) => row.strategies !== undefined)
    .map(([name, row]) => otherStrategy(name as keyof typeof RUN, row)),

  onSuperLink(['FL_STRATEGY', 'FL_PROXIMAL_MU'], ({ FL_STRATEGY: strategy, FL_PROXIMAL_MU: mu }) => {
    if (strategy !== 'FedProx' || mu !== 0) return undefined;
    return {
      variable: 'FL_PROXIMAL_MU',
      severity: 'warning',
      found: '0 with FL_STRATEGY=FedProx: the proximal term is off, which is FedAvg',
      expected: 'more than 0, or FL_STRATEGY=FedAvg',
      example: '1.0',
    };
  }),

  onSuperLink(['FL_CONTROL_API_ADDRESS'], ({ FL_CONTROL_API_ADDRESS: address }) => {
    const ip = parseIp(address.host);
    if (address.host === 'localhost' || (ip !== undefined && isLoopback(ip))) return undefined;
    return {
      variable: 'FL_CONTROL_API_ADDRESS',
      severity: 'warning',
      found: `${formatHostPort(address)}: whoever reaches this address can run code here, there is no authentication`,
      expected: 'a loopback address, reached through an SSH tunnel, or a firewall in front of it',
      example: '127.0.0.1:9093',
    };
  }),

  onSuperLink(['FL_CERT_EXTRA_SAN', 'FL_SSL_CERTFILE'], (values) => {
    if (values.FL_CERT_EXTRA_SAN === undefined || values.FL_SSL_CERTFILE === undefined) return undefined;
    return {
      variable: 'FL_CERT_EXTRA_SAN',
      severity: 'warning',
      found: 'it has no effect: the certificate comes from FL_SSL_CERTFILE, which names what it names',
      expected: "the names in the operator's own certificate",
    };
  }),

  onBoth(['FL_TLS_ENABLED', 'FL_SSL_CA_CERTFILE'], ({ FL_TLS_ENABLED: tls, FL_SSL_CA_CERTFILE: ca }) => {
    if (tls !== false || ca === undefined) return undefined;
    return {
      variable: 'FL_SSL_CA_CERTFILE',
      severity: 'warning',
      found: 'it has no effect: FL_TLS_ENABLED=NO means plaintext',
      expected: 'FL_TLS_ENABLED=YES, or no certificates',
    };
  }),

  onSuperNode(['FL_NODE_CONFIG'], (_, given) => {
    const [first, ...more] = doubtsAbout(given.get('FL_NODE_CONFIG')?.text ?? '');
    if (first === undefined) return undefined;
    const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
    return {
      variable: 'FL_NODE_CONFIG',
      severity: 'warning',
      found: `${quoteName(first.key)}: ${first.why}${others}`,
      expected:
        'true or false in small letters, plain decimal numbers; quotes around what is meant as a text',
    };
  }),

  onSuperNode(['FL_DCGM_ENABLED', 'FL_GPU_ENABLED'], ({ FL_DCGM_ENABLED: dcgm, FL_GPU_ENABLED: gpu }) => {
    if (!dcgm || gpu) return undefined;
    return {
      variable: 'FL_DCGM_ENABLED',
      severity: 'warning',
      found: 'YES while FL_GPU_ENABLED is not: there is no GPU to measure',
      expected: 'FL_GPU_ENABLED=YES as well',
      example: 'NO',
    };
  }),

  onBoth(['FLOWER_VERSION', 'ML_FRAMEWORK'], (values, _given, image) => {
    const { FLOWER_VERSION: version, ML_FRAMEWORK: framework } = values;
    if (framework === 'none' || framework === image.framework) return undefined;
    if (image.installed?.includes(`${version}-${framework}`)) return undefined;
    return {
      variable: 'ML_FRAMEWORK',
      severity: 'warning',
      found: `'${framework}', which is not in the image (it has ${image.framework === 'none' ? 'Flower and numpy alone' : image.framework}): ${spokenSize(downloadOf(framework))} are to be downloaded at the first boot, where the disk has ${spokenSize(roomFor(framework))} free`,
      expected: `an image that was built with FRAMEWORK=${framework}, or ML_FRAMEWORK empty for what the image has`,
    };
  }),

  onSuperNode(['FL_USE_CASE'], ({ FL_USE_CASE: useCase }) => {
    if (useCase === 'none' || hasApp(useCase)) return undefined;
    return {
      variable: 'FL_USE_CASE',
      severity: 'warning',
      found: `'${useCase}', for which the image has no app: ClientApps find the name in their node config (use-case), and nothing else comes of it`,
      expected: 'none, or an app of your own that reads it',
      example: 'none',
    };
  }),

  onBoth(['FL_GRPC_KEEPALIVE_TIME'], ({ FL_GRPC_KEEPALIVE_TIME: time }) => {
    if (time >= SHORT_KEEPALIVE_S) return undefined;
    return {
      variable: 'FL_GRPC_KEEPALIVE_TIME',
      severity: 'warning',
      found: `${time} s is very short: many probes, and a short pause of the network cuts connections`,
      expected: `${SHORT_KEEPALIVE_S} s or more`,
      example: String(PEER_KEEPALIVE_S),
    };
  }),

  onSuperNode(['FL_GRPC_KEEPALIVE_TIME'], ({ FL_GRPC_KEEPALIVE_TIME: time }) => {
    if (time < SHORT_KEEPALIVE_S || time >= PEER_KEEPALIVE_S / 2) return undefined;
    return {
      variable: 'FL_GRPC_KEEPALIVE_TIME',
      severity: 'warning',
      found: `${time} s, more often than a SuperLink at its default accepts (every ${PEER_KEEPALIVE_S / 2} s)`,
      expected: `${PEER_KEEPALIVE_S / 2} s or more, or the same value on the SuperLink`,
      example: String(PEER_KEEPALIVE_S),
    };
  }),

  onSuperLink(['FL_GRPC_KEEPALIVE_TIME'], ({ FL_GRPC_KEEPALIVE_TIME: time }) => {
    if (time <= 2 * PEER_KEEPALIVE_S) return undefined;
    return {
      variable: 'FL_GRPC_KEEPALIVE_TIME',
      severity: 'warning',
      found: `${time} s: this SuperLink then accepts probes every ${Math.ceil(time / 2)} s, but SuperNodes at their default send one every ${PEER_KEEPALIVE_S} s`,
      expected: `${2 * PEER_KEEPALIVE_S} s or less, or the same value on the SuperNodes`,
      example: String(PEER_KEEPALIVE_S),
    };
  }),
];

/** Forms send every default, so only a value that was really changed is worth a word. */
function otherStrategy(name: keyof typeof RUN & VariableName, row: Variable): Rule {
  return onSuperLink(['FL_STRATEGY', name], ({ FL_STRATEGY: strategy, [name]: value }, given) => {
    const readers = row.strategies ?? [];
    if (readers.includes(strategy as string) || !given.has(name)) return undefined;
    if (value === row.schema.parse(row.default)) return undefined;
    return {
      variable: name,
      severity: 'warning',
      found: `it has no effect: FL_STRATEGY is ${String(strategy)}`,
      expected: `FL_STRATEGY=${readers.join(' or ')}`,
    };
  });
}
