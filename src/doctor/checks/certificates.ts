import { checkPeerTls } from '../../boot/check-peer.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import { readText } from '../../host/files.ts';
import { describeCertificate } from '../../tls/describe.ts';
import { sanEntry } from '../../tls/names.ts';
import { explainPeer } from '../../tls/peer.ts';
import { renewAt } from '../../tls/renewal.ts';
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
  const refused = explainPeer({ chainPem, caPem, host: endpoint.host, now: vm.now });
  if (refused !== undefined) return fromProblem(refused);
  const { sans } = describeCertificate(chainPem);
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
  const warned = await checkPeerTls(endpoint, ca, vm.now);
  const address = formatHostPort(endpoint);
  if (warned !== undefined) {
    const remedy = `check the address, the firewall between the two (TCP ${endpoint.port}), and that the SuperLink is up`;
    return [problem(warned.facts.found, remedy, warned.code)];
  }
  const plaintext = `${address} answers in plaintext, as configured`;
  return [ok(caFile === undefined ? plaintext : `this node trusts that of ${address}`)];
}

const DAY_MS = 86_400_000;
/** The agent renews a certificate at two thirds of its year. One this near its end is not being renewed. */
const SOON_DAYS = 30;

export const dates: Check = {
  id: 'dates',
  title: 'certificate dates',
  needs: 'plan',
  run(vm) {
    const certificateFile = shownCertificate(vm);
    const caFile = fleetEndpoint(vm)?.caFile;
    const renewed = vm.plan?.fleet?.credentials == null;
    if (certificateFile === undefined && caFile === undefined) return [PLAINTEXT];
    return [
      validity(vm.now, certificateFile, 'server certificate', renewed),
      validity(vm.now, caFile, 'CA', false),
    ].flat();
  },
};

/** Nothing without a file. `renewed`: the agent renews it; an operator renews all others. */
function validity(
  now: Date,
  file: string | undefined,
  what: string,
  renewed: boolean,
): CheckFinding | CheckFinding[] {
  if (file === undefined) return [];
  const pem = readText(file);
  if (pem === undefined) return problem(`${file} does not exist`, RESTART, 'tls_setup_failed');
  const { notAfter, notBefore } = describeCertificate(pem);
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
  const remedy = renewed
    ? `the agent renews it: ${RESTART}`
    : 'issue it again, and give the new one to every VM that has the old one';
  if (days < 0) return problem(`${what} expired on ${day(notAfter)}`, remedy, 'tls_setup_failed');
  if (now < notBefore)
    return problem(`${what} is valid only from ${notBefore.toISOString()}`, 'check the clock', 'clock_off');
  if (renewed && now >= renewAt(pem))
    return warning(`renewal of the ${what} is due since ${day(renewAt(pem))}`, remedy);
  if (days < SOON_DAYS) return warning(`${what} expires on ${day(notAfter)}, in ${days} days`, remedy);
  const next = renewed ? `, renewed from ${day(renewAt(pem))}` : '';
  return ok(`${what} until ${day(notAfter)} (${days} days${next})`);
}
