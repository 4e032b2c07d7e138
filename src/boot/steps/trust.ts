import { formatHostPort } from '../../core/hostport.ts';
import { whichClock } from '../../tls/clock.ts';
import { trustDecision } from '../../tls/trust.ts';
import { remembered, suspiciousCa } from '../../tls/trust-memory.ts';
import { checkPeerTls } from '../check-peer.ts';
import { plainOneGate, trustFacts } from '../checks.ts';
import { previousCaFile, superLinkCaFile } from '../launch.ts';
import { type SuperNodeOutputs, stepOf } from '../step.ts';
import { readTrust, writeTrust } from '../trust-file.ts';

/** Which CA this node trusts, and whether the SuperLink's certificate fits it. Trust only increases by itself. */
export const trust = stepOf<SuperNodeOutputs>()({
  id: 'trust',
  title: 'configure TLS trust',
  needs: ['read_context', 'validate', 'discover_superlink', 'prepare_directories'],
  async run({ read_context, validate: config, discover_superlink: { endpoint, found } }, tools) {
    const { machine, image, warn, degrade, setFacts, journal } = tools;
    const { paths, host } = machine;
    const now = machine.clock.now();
    const { last, damage } = readTrust(paths, config, now);
    if (damage !== undefined) degrade(damage);
    const which = whichClock({ now, built: image.built, aheadMs: read_context.oneGate?.aheadMs() });
    const decision = trustDecision({
      ...trustFacts(config, now),
      which,
      ...(found === undefined ? {} : { published: found }),
      last,
    });
    for (const warning of decision.warnings) warn(warning);
    const caPem = decision.tls ? decision.caPem : undefined;
    const memory = remembered(last, {
      vmId: config.VMID ?? null,
      tls: decision.tls,
      ca: decision.tls ? decision.fingerprints : [],
      address: formatHostPort(endpoint),
      tlsEnabled: config.FL_TLS_ENABLED ?? null,
      at: now.toISOString(),
      bootId: host.bootId(),
      pinned: decision.tls && decision.source === 'FL_SSL_CA_CERTFILE',
    });
    if (memory.suspicion !== null) degrade(suspiciousCa(memory.suspicion, previousCaFile(paths)));
    const exposed = plainOneGate(config, read_context.access?.endpoint);
    if (exposed !== undefined && memory !== last) journal.problem(exposed);
    setFacts({ tls: decision.tls, ...(decision.tls ? { ca_sha256: decision.fingerprintSha256 } : {}) });
    const warning = await checkPeerTls(endpoint, caPem, now, which);
    if (warning !== undefined) warn(warning, 'Flower serves');
    const kept = writeTrust(paths, memory, caPem);
    return {
      output:
        caPem === undefined
          ? undefined
          : { caPem, caFile: superLinkCaFile(paths), suspicious: memory.suspicion !== null },
      kept,
      note: decision.tls ? `TLS with the CA from ${decision.source}` : 'plaintext',
    };
  },
});
