// What a prepared plan is about, for the comparison with what runs. Certificates are read here, after the plan was written.
import type { SuperLinkConfig, SuperNodeConfig } from '../config/parse.ts';
import { readPem } from '../core/pem.ts';
import { checkpointDirectory } from '../flower/directories.ts';
import { nodeConfigToml } from '../flower/node-config.ts';
import { readText } from '../host/files.ts';
import { sha256 } from '../host/machine.ts';
import type { Paths } from '../host/paths.ts';
import { firstCertificate } from '../tls/texts.ts';
import type { Described } from './in-force.ts';
import { certificateFiles } from './launch.ts';
import { type PartFacts, superLinkParts, superNodeParts } from './parts.ts';
import type { ServerTrust, SuperNodeOutputs } from './step.ts';

type Facts = Omit<PartFacts, 'trust'>;

const fingerprints = (pem = ''): string[] => readPem(pem).blocks.map(({ der }) => sha256(der));

export function describeSuperLink(
  config: SuperLinkConfig,
  trust: ServerTrust | undefined,
  paths: Paths,
  facts: Facts,
): Described {
  const checkpoints = config.FL_CHECKPOINT_ENABLED ? checkpointDirectory(paths, config) : '';
  if (trust === undefined) {
    const none = { trust: [], certificate: '', operatorKey: '', checkpoints };
    return { parts: superLinkParts(config, { ...facts, ...none }), certificate: null };
  }
  const server = firstCertificate(trust.fingerprint);
  const key = server.publicKey?.export({ type: 'spki', format: 'der' });
  // Flower's children verify the local listeners with the CA of this VM, also beside an operator's certificate.
  const own = readText(certificateFiles(paths).caCertificate);
  return {
    parts: superLinkParts(config, {
      ...facts,
      trust: [...new Set([...fingerprints(trust.caPem), ...fingerprints(own)])],
      certificate: sha256(trust.fingerprint),
      operatorKey: config.FL_SSL_CERTFILE === undefined ? '' : sha256(key ?? ''),
      checkpoints,
    }),
    certificate: {
      until: server.notAfter.toISOString(),
      sans: [...server.sans],
      dns: [...(server.names?.dns ?? [])],
      ip: [...(server.names?.ip ?? [])],
    },
  };
}

export const describeSuperNode = (
  config: SuperNodeConfig,
  { trust, partition }: Pick<SuperNodeOutputs, 'trust' | 'partition'>,
  gpu: boolean,
  facts: Facts,
): Described => ({
  parts: superNodeParts(config, {
    ...facts,
    trust: fingerprints(trust?.caPem),
    partition: partition?.choice,
    nodeConfig: sha256(
      nodeConfigToml(config.FL_NODE_CONFIG ?? [], {
        partition: undefined,
        useCase: 'none',
        gpuMemoryFraction: gpu ? config.FL_GPU_MEMORY_FRACTION : undefined,
      }),
    ),
    gpu,
  }),
  certificate: null,
});
