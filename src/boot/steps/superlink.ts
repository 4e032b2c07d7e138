import { PartitionManager } from '../../cluster/partition-manager.ts';
import { findSuperLink } from '../../cluster/resolver.ts';
import type { SuperNodeConfig } from '../../config/parse.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import { writeIfChanged } from '../../host/files.ts';
import { trustDecision } from '../../tls/trust.ts';
import { trustFacts } from '../checks.ts';
import { checkPeerTls, probeSuperLink } from '../examine.ts';
import { superLinkCaFile } from '../launch.ts';
import type { Step } from '../step.ts';

/** The SuperLink's address: given by the operator, or asked of OneGate. */
export const discoverSuperLink: Step = {
  id: 'discover_superlink',
  title: 'find the SuperLink',
  needs: ['validate'],
  async run(known, { machine, wait, warn, signal, tell }) {
    const config = known.get('config') as SuperNodeConfig;
    const oneGate = known.get('oneGate');
    const given = config.FL_SUPERLINK_ADDRESS;
    if (given !== undefined) {
      known.set('superlink', { endpoint: given, found: undefined });
      tell({ superlink: formatHostPort(given) });
      return { note: `${formatHostPort(given)}, as FL_SUPERLINK_ADDRESS says` };
    }
    if (oneGate === undefined) {
      throw new Problem('not_in_service', {
        doing: 'looking for the SuperLink',
        found: 'FL_SUPERLINK_ADDRESS is empty, and this VM has no OneGate token to ask with',
        remedy:
          'set FL_SUPERLINK_ADDRESS, or put TOKEN=YES into the CONTEXT and deploy the VM through OneFlow',
        variable: 'FL_SUPERLINK_ADDRESS',
      });
    }
    const found = await findSuperLink({
      oneGate,
      clock: machine.clock,
      random: machine.random,
      backoff: config.FL_EDGE_BACKOFF,
      maxBackoffSeconds: config.FL_EDGE_MAX_BACKOFF,
      onWait: wait,
      signal,
    });
    for (const sentence of found.warnings) {
      warn(
        new Problem('peer_suspicious', { doing: 'reading what the SuperLink publishes', found: sentence }),
      );
    }
    known.set('superlink', { endpoint: found.endpoint, found });
    const address = formatHostPort(found.endpoint);
    tell({ superlink: address });
    const other = found.flowerVersion !== undefined && found.flowerVersion !== config.FLOWER_VERSION;
    if (other) {
      warn(
        new Problem('flower_version_differs', {
          doing: 'comparing versions',
          found: `the SuperLink runs Flower ${found.flowerVersion}, this node ${config.FLOWER_VERSION}`,
          variable: 'FLOWER_VERSION',
        }),
      );
    }
    return { note: `${address}, VM ${found.vmId}` };
  },
};

/** Which CA this node trusts (variables.md, TLS mode of a SuperNode), and whether the SuperLink is covered by it. */
export const trust: Step = {
  id: 'trust',
  title: 'decide whom to trust',
  needs: ['discover_superlink', 'prepare_directories'],
  async run(known, { machine, warn, tell }) {
    const config = known.get('config') as SuperNodeConfig;
    const { found } = known.get('superlink');
    const now = machine.clock.now();
    const greeted = probeSuperLink(known);
    const decision = trustDecision({
      ...trustFacts(config, now),
      ...(found === undefined ? {} : { published: found }),
    });
    for (const warning of decision.warnings) warn(warning);
    let kept = false;
    if (decision.tls) {
      const caFile = superLinkCaFile(machine.paths);
      kept = !writeIfChanged(caFile, decision.caPem, { mode: 0o644 });
      known.set('clientTrust', { caPem: decision.caPem, caFile });
      tell({ tls: true, ca_sha256: decision.fingerprintSha256 });
    } else {
      known.set('clientTrust', undefined);
      tell({ tls: false });
    }
    const silent = await checkPeerTls(known, now, greeted);
    if (silent !== undefined)
      warn(new Problem('superlink_unreachable', { doing: 'looking at the SuperLink', found: silent }));
    return { kept, note: decision.tls ? `TLS with the CA from ${decision.source}` : 'plaintext' };
  },
};

/** Which share of the data is this node's: claimed, remembered, published with the rest, and then watched over. */
export const partition: Step = {
  id: 'partition',
  title: 'choose the data partition',
  needs: ['discover_superlink', 'announce_booting'],
  async run(known, { machine, checkpoint, journal, tell, signal }) {
    const oneGate = known.get('oneGate');
    const service = known.get('superlink').found?.service;
    known.set('partition', undefined);
    known.set('partitionKeeper', undefined);
    if (service === undefined || oneGate === undefined) return { skipped: true, note: OUTSIDE };
    const keeper = new PartitionManager({
      oneGate,
      clock: machine.clock,
      random: machine.random,
      memory: checkpoint.partition,
      remember: (memory) => checkpoint.rememberPartition(memory),
      onNote: (text) => journal.info(text),
    });
    const chosen = await keeper.choose({ service, stored: known.peek('stored'), signal });
    if (chosen === undefined) return { skipped: true, note: OUTSIDE };
    known.set('partition', chosen);
    known.set('partitionKeeper', keeper);
    tell({ partition_id: chosen.id, num_partitions: chosen.of });
    return { note: `${chosen.id} of ${chosen.of}, ${chosen.why}` };
  },
};

const OUTSIDE = 'outside a service: partition-id and num-partitions are left to FL_NODE_CONFIG';
