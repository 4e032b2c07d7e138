import { checkPeerTls } from '../../boot/check-peer.ts';
import { suspectClockOf } from '../../boot/clock.ts';
import { certificateFiles } from '../../boot/launch.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import { readText } from '../../host/files.ts';
import { datesOff, type Suspicion, suspectClock, whichClock } from '../../tls/clock.ts';
import { sanEntry } from '../../tls/names.ts';
import { explainPeer } from '../../tls/peer.ts';
import { renewAt } from '../../tls/renewal.ts';
import { firstCertificate } from '../../tls/texts.ts';
import { type Check, type CheckFinding, fromProblem, none, ok, problem, warning } from '../check.ts';
import { type FleetEndpoint, fleetEndpoint, shownCertificate, type VmSnapshot } from '../snapshot.ts';

const RESTART = '`systemctl restart flower-context`';
const PLAINTEXT = none('plaintext (FL_TLS_ENABLED=NO)');

/** Whether a SuperNode accepts the certificate of the SuperLink at the address that it dials. */
export const certificate: Check = {
  id: 'certificate',
  needs: 'plan',
  run(vm) {
    const fleet = fleetEndpoint(vm);
    if (fleet === undefined) return [none('the address is not known yet')];
    return vm.role === 'supernode' ? ofPeer(vm, fleet) : ofOwn(vm, fleet);
  },
};

function ofOwn(vm: VmSnapshot, { endpoint, caFile, ca: caPem }: FleetEndpoint): readonly CheckFinding[] {
  const file = shownCertificate(vm);
  if (file === undefined || caFile === undefined) return [PLAINTEXT];
  const chainPem = readText(file);
  if (chainPem === undefined || caPem === undefined) {
    const found = `${chainPem === undefined ? file : caFile} does not exist`;
    return [problem(found, `the agent makes it again: ${RESTART}`, 'tls_setup_failed')];
  }
  if (suspectClockIn(vm) !== undefined)
    return [none('its dates are not judged, because the clock of this VM is suspect')];
  const refused = explainPeer({ chainPem, caPem, host: endpoint.host, now: vm.now });
  if (refused !== undefined) return fromProblem(refused);
  const { sans } = firstCertificate(chainPem);
  const missing = contextAddresses(vm).filter((address) => !sans.includes(sanEntry(address)));
  const valid = `valid for ${formatHostPort(endpoint)}`;
  if (missing.length === 0) return [ok(`${valid}, which SuperNodes dial; ${sans.length} names in all`)];
  const remedy = 'SuperNodes cannot dial that address; for a new address: `systemctl reload flower-context`';
  return [warning(`${valid}, but not for ${missing.join(', ')} of this VM`, remedy)];
}

const contextAddresses = ({ context }: VmSnapshot): string[] =>
  context instanceof Problem
    ? []
    : Object.entries(context.variables)
        .filter(([name, value]) => /^ETH\d+_IP$/.test(name) && value.trim() !== '')
        .map(([, value]) => value.trim());

async function ofPeer(
  vm: VmSnapshot,
  { endpoint, caFile, ca }: FleetEndpoint,
): Promise<readonly CheckFinding[]> {
  // For its time. Where it does not answer soon, the clocks are not compared.
  await Promise.race([vm.vm().catch(() => undefined), vm.machine.clock.sleep(ASK_ONEGATE_MS)]);
  const built = vm.image instanceof Problem ? undefined : vm.image.built;
  const which = whichClock({ now: vm.now, built, aheadMs: vm.aheadOfOneGate() });
  const warned = await checkPeerTls(endpoint, ca, vm.now, which);
  const address = formatHostPort(endpoint);
  if (warned !== undefined) {
    const remedy = `check the address, the firewall between the two (TCP ${endpoint.port}), and that the SuperLink is up`;
    return [problem(warned.facts.found, remedy, warned.code)];
  }
  const plaintext = `${address} answers in plaintext, as configured`;
  return [ok(caFile === undefined ? plaintext : `this node trusts that of ${address}`)];
}

const ASK_ONEGATE_MS = 1_500;

const DAY_MS = 86_400_000;
/** The agent renews a certificate a third of a year before its end. One this near its end is not being renewed. */
const SOON_DAYS = 30;

export const dates: Check = {
  id: 'dates',
  title: 'certificate dates',
  needs: 'plan',
  run(vm) {
    const certificateFile = shownCertificate(vm);
    const caFile = fleetEndpoint(vm)?.caFile;
    const own = vm.role === 'superlink' && vm.plan?.fleet?.credentials == null;
    if (certificateFile === undefined && caFile === undefined) return [PLAINTEXT];
    const suspect = suspectClockIn(vm);
    // By a suspect clock nothing is due, and nothing has expired.
    if (suspect !== undefined) return fromProblem(suspectClock(suspect, vm.now));
    return [
      validity(vm, certificateFile, 'server certificate', own ? caFile : undefined),
      own && caFile !== undefined ? ownCa(vm.now, caFile) : validity(vm, caFile, 'CA', undefined),
    ].flat();
  },
};

/** Why the boot of this SuperLink does not judge its certificates by the clock. */
function suspectClockIn(vm: VmSnapshot): Suspicion | undefined {
  const own = vm.role === 'superlink' && !(vm.image instanceof Problem);
  if (!own) return undefined;
  const { caCertificate, server } = certificateFiles(vm.machine.paths);
  const [caPem, certPem] = [readText(caCertificate), readText(server.certificate)];
  return suspectClockOf(vm.machine, { built: vm.image.built, caPem, certPem });
}

/** The CA of this VM, as the boot judges it. */
function ownCa(now: Date, file: string): CheckFinding[] {
  const pem = readText(file);
  if (pem === undefined) return [problem(`${file} does not exist`, RESTART, 'tls_setup_failed')];
  const ca = firstCertificate(pem);
  const off = datesOff(ca, now).flatMap(fromProblem);
  return off.length > 0 ? off : [ok(`CA until ${day(ca.notAfter)}`)];
}

const day = (date: Date): string => date.toISOString().slice(0, 10);

/** Nothing without a file. `issuer`: the file of the CA with which the agent renews it; an operator renews all others. */
function validity(
  { now }: VmSnapshot,
  file: string | undefined,
  what: string,
  issuer: string | undefined,
): CheckFinding | CheckFinding[] {
  if (file === undefined) return [];
  const pem = readText(file);
  if (pem === undefined) return problem(`${file} does not exist`, RESTART, 'tls_setup_failed');
  const { notAfter, notBefore } = firstCertificate(pem);
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
  const caPem = issuer === undefined ? undefined : readText(issuer);
  const due = caPem === undefined ? undefined : renewAt(pem, caPem);
  const remedy =
    due === undefined
      ? 'issue it again, and give the new one to every VM that has the old one'
      : `the agent renews it: ${RESTART}`;
  if (now > notAfter) return problem(`${what} expired on ${day(notAfter)}`, remedy, 'tls_setup_failed');
  if (now < notBefore)
    return problem(
      `${what} is valid only from ${notBefore.toISOString()}`,
      'check the clock (`timedatectl`)',
      'clock_off',
    );
  if (due !== undefined && now >= due)
    return warning(`renewal of the ${what} is due since ${day(due)}`, remedy);
  if (days < SOON_DAYS) return warning(`${what} expires on ${day(notAfter)}, in ${days} days`, remedy);
  const next = due === undefined ? '' : `, renewed from ${day(due)}`;
  return ok(`${what} until ${day(notAfter)} (${days} days${next})`);
}
