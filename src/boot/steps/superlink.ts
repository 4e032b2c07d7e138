import { PartitionManager } from '../../cluster/partition-manager.ts';
import { reach } from '../../cluster/reach.ts';
import { findSuperLink } from '../../cluster/resolver.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import { generationDiffers } from '../../flower/generation.ts';
import { type SuperNodeOutputs, stepOf } from '../step.ts';

/** The SuperLink's address: given by the operator, or found through OneGate. */
export const discoverSuperLink = stepOf<SuperNodeOutputs>()({
  id: 'discover_superlink',
  title: 'find the SuperLink',
  needs: ['read_context', 'validate'],
  async run({ read_context: { oneGate }, validate: config }, { machine, wait, warn, signal, setFacts }) {
    const given = config.FL_SUPERLINK_ADDRESS;
    if (given !== undefined) {
      const superlink = formatHostPort(given);
      setFacts({ superlink });
      const note = `${superlink}, as FL_SUPERLINK_ADDRESS says`;
      return { output: { endpoint: given, found: undefined, others: [] }, note };
    }
    if (oneGate === undefined) {
      throw new Problem('not_in_service', {
        doing: 'searching for the SuperLink',
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
    const doing = 'reading what the SuperLink publishes';
    for (const sentence of found.warnings) warn(new Problem('peer_suspicious', { doing, found: sentence }));
    const here = config.FLOWER_VERSION;
    // Of another generation: await_registration reports it, and withdraws it.
    const understood = generationDiffers(here, found.flowerVersion) === undefined;
    if (found.flowerVersion !== undefined && found.flowerVersion !== here && understood)
      warn(
        new Problem('flower_version_differs', {
          doing: 'comparing versions',
          found: `the SuperLink runs Flower ${found.flowerVersion}, this node ${here}`,
          variable: 'FLOWER_VERSION',
        }),
      );
    const { endpoint, others } = await reach(found);
    const superlink = formatHostPort(endpoint);
    setFacts({ superlink });
    const note = [`${superlink}, VM ${found.vmId}`, ...others].join('; ');
    return { output: { endpoint, found, others }, note };
  },
});

const OUTSIDE = {
  output: undefined,
  skipped: true,
  note: 'outside a service: partition-id and num-partitions are left to FL_NODE_CONFIG',
} as const;

/** Which part of the data is this node's. It is remembered, published with the rest, and kept right afterwards. */
export const partition = stepOf<SuperNodeOutputs>()({
  id: 'partition',
  title: 'choose the data partition',
  needs: ['read_context', 'discover_superlink', 'announce_booting'],
  async run(
    { read_context: { oneGate }, discover_superlink: { found }, announce_booting: stored },
    { machine, checkpoint, journal, setFacts, signal, degrade },
  ) {
    if (found === undefined || found.service === undefined || oneGate === undefined) return OUTSIDE;
    const manager = new PartitionManager({
      oneGate,
      clock: machine.clock,
      random: machine.random,
      memory: checkpoint.partition,
      remember: (memory) => checkpoint.rememberPartition(memory),
      onNote: (text) => journal.info(text),
      onSuspicious: degrade,
    });
    const choice = await manager.choose({ service: found.service, stored, signal });
    if (choice === undefined) return OUTSIDE;
    if (manager.suspicion !== undefined) degrade(manager.suspicion);
    setFacts({ partition_id: choice.id, num_partitions: choice.of });
    return { output: { choice, manager }, note: `${choice.id} of ${choice.of}, ${choice.why}` };
  },
});
