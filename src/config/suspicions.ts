// Cross-variable rules about values that are accepted but probably not meant.
import { formatHostPort } from '../core/hostport.ts';
import { isLoopback, parseIp } from '../core/ip.ts';
import { quoteName } from '../core/text.ts';
import { downloadOf, formatSize, neededSpace } from './frameworks.ts';
import { LOCKED_FLOWER } from './locked.ts';
import { doubtsAbout } from './node-config.ts';
import { hasApp } from './release.ts';
import { onBoth, onSuperLink, onSuperNode, type Rule } from './rule.ts';
import { RUN, robustClients } from './table/run.ts';
import type { VariableName } from './table.ts';
import type { Variable } from './variable.ts';

/** Below this, gRPC servers elsewhere on the path are known to object to keepalive probes. */
const SHORT_KEEPALIVE_S = 10;

/** FL_GRPC_KEEPALIVE_TIME of a peer with default settings, which accepts probes from 30 s on. */
const PEER_KEEPALIVE_S = 60;

export const SUSPICIONS: readonly Rule[] = [
  onSuperLink(
    ['FL_STRATEGY', 'FL_NUM_MALICIOUS', 'FL_MIN_FIT_CLIENTS', 'FL_MIN_AVAILABLE_CLIENTS'],
    (values) => {
      const { FL_MIN_FIT_CLIENTS: fit, FL_MIN_AVAILABLE_CLIENTS: available } = values;
      const robust = robustClients(values.FL_STRATEGY, values.FL_NUM_MALICIOUS);
      // Too few available clients for the strategy are an error of their own.
      const enough = robust === undefined || available >= robust.needed;
      return (
        fit > available &&
        enough && {
          variable: 'FL_MIN_FIT_CLIENTS',
          found: `${fit}, more than FL_MIN_AVAILABLE_CLIENTS=${available}: a run starts with fewer nodes than a round needs`,
          expected: `FL_MIN_AVAILABLE_CLIENTS of at least ${fit}`,
          example: String(available),
        }
      );
    },
  ),

  ...Object.entries<Variable>(RUN)
    .filter(([, row]) => row.strategies !== undefined)
    .map(([name, row]) => otherStrategy(name as keyof typeof RUN, row)),

  onSuperLink(
    ['FL_STRATEGY', 'FL_PROXIMAL_MU'],
    ({ FL_STRATEGY: strategy, FL_PROXIMAL_MU: mu }) =>
      strategy === 'FedProx' &&
      mu === 0 && {
        variable: 'FL_PROXIMAL_MU',
        found: '0 with FL_STRATEGY=FedProx: without the proximal term this is FedAvg',
        expected: 'more than 0, or FL_STRATEGY=FedAvg',
        example: '1.0',
      },
  ),

  onSuperLink(['FL_CONTROL_API_ADDRESS'], ({ FL_CONTROL_API_ADDRESS: address }) => {
    const ip = parseIp(address.host);
    const loopback = address.host === 'localhost' || (ip !== undefined && isLoopback(ip));
    return (
      !loopback && {
        variable: 'FL_CONTROL_API_ADDRESS',
        found: `${formatHostPort(address)}: without authentication, every client of this address can run code here`,
        expected: 'a loopback address, reached through an SSH tunnel, or a firewall in front of it',
        example: '127.0.0.1:9093',
      }
    );
  }),

  onSuperLink(
    ['FL_CERT_EXTRA_SAN', 'FL_SSL_CERTFILE'],
    (values) =>
      values.FL_CERT_EXTRA_SAN !== undefined &&
      values.FL_SSL_CERTFILE !== undefined && {
        variable: 'FL_CERT_EXTRA_SAN',
        found: 'no effect: the certificate and its names come from FL_SSL_CERTFILE',
        expected: "the names in the operator's own certificate",
      },
  ),

  onBoth(
    ['FL_TLS_ENABLED', 'FL_SSL_CA_CERTFILE'],
    ({ FL_TLS_ENABLED: tls, FL_SSL_CA_CERTFILE: ca }) =>
      tls === false &&
      ca !== undefined && {
        variable: 'FL_SSL_CA_CERTFILE',
        found: 'no effect: FL_TLS_ENABLED=NO means plaintext',
        expected: 'FL_TLS_ENABLED=YES, or no certificates',
      },
  ),

  onSuperNode(['FL_NODE_CONFIG'], (_, given) => {
    const [first, ...more] = doubtsAbout(given.get('FL_NODE_CONFIG')?.text ?? '');
    const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
    return (
      first && {
        variable: 'FL_NODE_CONFIG',
        found: `${quoteName(first.key)}: ${first.why}${others}`,
        expected: 'true or false in small letters, plain decimal numbers, and quotes around text',
      }
    );
  }),

  onSuperNode(
    ['FL_DCGM_ENABLED', 'FL_GPU_ENABLED'],
    ({ FL_DCGM_ENABLED: dcgm, FL_GPU_ENABLED: gpu }) =>
      dcgm &&
      !gpu && {
        variable: 'FL_DCGM_ENABLED',
        found: 'YES without FL_GPU_ENABLED=YES: no GPU is measured',
        expected: 'FL_GPU_ENABLED=YES as well',
        example: 'NO',
      },
  ),

  onBoth(['FLOWER_VERSION', 'ML_FRAMEWORK'], (values, _given, image) => {
    const { FLOWER_VERSION: version, ML_FRAMEWORK: framework } = values;
    if (framework === 'none' || framework === image.framework) return undefined;
    if (image.installed?.includes(`${version}-${framework}`)) return undefined;
    const has = image.framework === 'none' ? 'Flower and numpy alone' : image.framework;
    return {
      variable: 'ML_FRAMEWORK',
      found: `'${framework}', and the image has ${has}: the first boot downloads ${formatSize(downloadOf(framework))}, if ${formatSize(neededSpace(framework))} of the disk are free`,
      expected: `an image that was built with FRAMEWORK=${framework}, or ML_FRAMEWORK empty for that of the image`,
    };
  }),

  onSuperNode(
    ['FL_USE_CASE'],
    ({ FL_USE_CASE: useCase }) =>
      useCase !== 'none' &&
      !hasApp(useCase) && {
        variable: 'FL_USE_CASE',
        found: `'${useCase}', and the image has no app for it: ClientApps only get the name (use-case in the node config)`,
        expected: 'none, or an app of your own that reads it',
        example: 'none',
      },
  ),

  onBoth(
    ['FL_GRPC_KEEPALIVE_TIME'],
    ({ FL_GRPC_KEEPALIVE_TIME: time }) =>
      time < SHORT_KEEPALIVE_S && {
        variable: 'FL_GRPC_KEEPALIVE_TIME',
        found: `${time} s is very short: many probes, and a short interruption of the network closes connections`,
        expected: `${SHORT_KEEPALIVE_S} s or more`,
        example: String(PEER_KEEPALIVE_S),
      },
  ),

  onSuperNode(
    ['FL_GRPC_KEEPALIVE_TIME'],
    ({ FL_GRPC_KEEPALIVE_TIME: time }) =>
      time >= SHORT_KEEPALIVE_S &&
      time < PEER_KEEPALIVE_S / 2 && {
        variable: 'FL_GRPC_KEEPALIVE_TIME',
        found: `${time} s, more often than a SuperLink at its default accepts (every ${PEER_KEEPALIVE_S / 2} s)`,
        expected: `${PEER_KEEPALIVE_S / 2} s or more, or the same value on the SuperLink`,
        example: String(PEER_KEEPALIVE_S),
      },
  ),

  onSuperLink(
    ['FL_GRPC_KEEPALIVE_TIME'],
    ({ FL_GRPC_KEEPALIVE_TIME: time }) =>
      time > 2 * PEER_KEEPALIVE_S && {
        variable: 'FL_GRPC_KEEPALIVE_TIME',
        found: `${time} s: this SuperLink accepts probes every ${Math.ceil(time / 2)} s, but SuperNodes at their default send one every ${PEER_KEEPALIVE_S} s`,
        expected: `${2 * PEER_KEEPALIVE_S} s or less, or the same value on the SuperNodes`,
        example: String(PEER_KEEPALIVE_S),
      },
  ),
];

/** What a boot will do that takes its time. The boot itself reports it while it happens, and what became of it. */
export const AHEAD: readonly Rule[] = [
  // What is not locked is an error of its own.
  onBoth(['FLOWER_VERSION', 'ML_FRAMEWORK'], (values, _given, { flowerVersion, installed = [] }) => {
    const { FLOWER_VERSION: version, ML_FRAMEWORK: framework } = values;
    const isInstalled = installed.some((name) =>
      framework === 'none' ? name.startsWith(`${version}-`) : name === `${version}-${framework}`,
    );
    return (
      version !== flowerVersion &&
      LOCKED_FLOWER.includes(version) &&
      !isInstalled && {
        variable: 'FLOWER_VERSION',
        found: `'${version}', and the image has ${flowerVersion}: the first boot installs ${version}, which takes minutes and needs the package index. If that fails, ${flowerVersion} runs`,
        expected: `FLOWER_VERSION empty for ${flowerVersion}, or an image that was built with ${version}`,
      }
    );
  }),
];

/** Forms send every default, so only another value is a reason to warn. */
function otherStrategy(name: keyof typeof RUN & VariableName, row: Variable): Rule {
  const readers = row.strategies ?? [];
  return onSuperLink(
    ['FL_STRATEGY', name],
    ({ FL_STRATEGY: strategy, [name]: value }, given) =>
      !readers.includes(strategy as string) &&
      given.has(name) &&
      value !== row.schema.parse(row.default) && {
        variable: name,
        found: `no effect: FL_STRATEGY is ${String(strategy)}`,
        expected: `FL_STRATEGY=${readers.join(' or ')}`,
      },
  );
}
