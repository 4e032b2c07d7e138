import { join } from 'node:path';
import { acceptsClock } from '../../flower/probe.ts';
import { readText } from '../../host/files.ts';
import { describeCertificate } from '../../tls/describe.ts';
import { type Check, type Finding, none, ok, warning, wrong } from '../check.ts';
import { fleetEndpoint, type VmSnapshot } from '../snapshot.ts';

/** Flower refuses what is more than 5 s ahead; half of that leaves room. */
const TOLERATED_MS = 2_500;
const PER_CALL_MS = 2_000;

/** This VM's clock against every other one at hand: OneGate's, the SuperLink's, the one that made the certificates. */
export const clock: Check = {
  id: 'clock',
  title: 'clock',
  async run(scene) {
    const [gate, superLink] = await Promise.all([againstOneGate(scene), againstSuperLink(scene)]);
    const findings = [gate, superLink, againstCertificates(scene)].filter((one) => one !== undefined);
    const bad = findings.filter(({ verdict }) => verdict !== 'ok');
    if (bad.length > 0) return bad;
    if (findings.length === 0) return [none(`no other clock to compare ${scene.now.toISOString()} with`)];
    return [ok(findings.map(({ found }) => found).join('; '))];
  },
};

const SYNCHRONISE = 'start time synchronisation (`timedatectl set-ntp true`) on both';

async function againstOneGate(scene: VmSnapshot): Promise<Finding | undefined> {
  if (scene.oneGate === undefined) return undefined;
  await scene.vm().catch(() => undefined);
  const ahead = scene.aheadOfOneGate();
  if (ahead === undefined) return undefined;
  // Date has whole seconds, and the answer took its time.
  if (Math.abs(ahead) <= TOLERATED_MS) return ok("agrees with OneGate's");
  return warning(`${formatOffset(ahead)} OneGate's`, SYNCHRONISE, 'clock_off');
}

async function againstSuperLink(scene: VmSnapshot): Promise<Finding | undefined> {
  const fleet = fleetEndpoint(scene);
  if (scene.role !== 'supernode' || fleet === undefined) return undefined;
  const ca = fleet.caFile === null ? null : readText(fleet.caFile);
  if (ca === undefined) return undefined;
  const accepted = await acceptsClock(
    { ...fleet.endpoint, ca },
    PER_CALL_MS,
    scene.machine.clock.now().getTime(),
  );
  // Other checks say why there is no answer.
  if (accepted === undefined) return undefined;
  return accepted
    ? ok('the SuperLink accepts it')
    : wrong(
        "more than 5 s ahead of the SuperLink's, or more than 305 s behind it: Flower refuses this node's calls",
        SYNCHRONISE,
        'clock_off',
      );
}

/** A certificate of the future was made by a clock that was ahead, or this one was set back. */
function againstCertificates({ machine, now }: VmSnapshot): Finding | undefined {
  for (const name of ['server.pem', 'ca.pem', 'superlink-ca.pem']) {
    try {
      const pem = readText(join(machine.paths.tls, name));
      if (pem === undefined) continue;
      const { notBefore, subject } = describeCertificate(pem);
      if (notBefore <= now) continue;
      const found = `it says ${now.toISOString()}, before ${subject} was made (${notBefore.toISOString()})`;
      return wrong(found, SYNCHRONISE, 'clock_off');
    } catch {
      // That it cannot be read, another check says.
    }
  }
  return undefined;
}

const formatOffset = (aheadMs: number): string =>
  `${(Math.abs(aheadMs) / 1_000).toFixed(1)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
