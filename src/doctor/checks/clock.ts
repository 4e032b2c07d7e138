import { acceptsClock } from '../../flower/probe.ts';
import { readText } from '../../host/files.ts';
import { type Check, type CheckFinding, none, ok, problem, warning } from '../check.ts';
import { fleetEndpoint, type VmSnapshot } from '../snapshot.ts';

/** Half of the 5 s that Flower accepts. OneGate's Date has whole seconds, and the request takes time. */
const TOLERATED_MS = 2_500;
const PER_CALL_MS = 4_000;
const REMEDY = 'start time synchronisation (`timedatectl set-ntp true`) on both';

/** This VM's clock against those of OneGate and of the SuperLink. */
export const clock: Check = {
  id: 'clock',
  title: 'clock',
  needs: 'context',
  async run(vm) {
    const all = await Promise.all([againstOneGate(vm), againstSuperLink(vm)]);
    const findings = all.filter((one) => one !== undefined);
    return findings.length > 0 ? findings : [none(`${vm.now.toISOString()}; no other clock to compare with`)];
  },
};

async function againstOneGate(vm: VmSnapshot): Promise<CheckFinding | undefined> {
  await vm.vm().catch(() => undefined);
  const ahead = vm.aheadOfOneGate();
  if (ahead === undefined) return undefined;
  if (Math.abs(ahead) <= TOLERATED_MS) return ok("agrees with OneGate's clock");
  const offset = `${(Math.abs(ahead) / 1_000).toFixed(1)} s ${ahead > 0 ? 'ahead of' : 'behind'}`;
  return warning(`${offset} OneGate's`, REMEDY, 'clock_off');
}

/** Without an answer nothing is said here: the check of the certificate reports why the SuperLink does not answer. */
async function againstSuperLink(vm: VmSnapshot): Promise<CheckFinding | undefined> {
  const fleet = fleetEndpoint(vm);
  if (vm.role !== 'supernode' || fleet === undefined) return undefined;
  const ca = fleet.caFile === null ? null : readText(fleet.caFile);
  if (ca === undefined) return undefined;
  const accepted = await acceptsClock({ ...fleet.endpoint, ca }, PER_CALL_MS, vm.now.getTime()).catch(
    () => undefined,
  );
  if (accepted === undefined) return undefined;
  if (accepted) return ok('the SuperLink accepts it');
  return problem(
    'more than 5 s ahead of or 305 s behind the SuperLink: Flower refuses the calls of this node',
    REMEDY,
    'clock_off',
  );
}
