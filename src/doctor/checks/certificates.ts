import { checkPeerTls } from '../../boot/check-peer.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { readText } from '../../host/files.ts';
import { describeCertificate } from '../../tls/describe.ts';
import { sanEntry } from '../../tls/names.ts';
import { explainPeer } from '../../tls/peer.ts';
import { renewAt } from '../../tls/renewal.ts';
import { type Check, type Finding, fromProblem, none, ok, warning, wrong } from '../check.ts';
import { fleetEndpoint, shownCertificate, type VmSnapshot } from '../snapshot.ts';

/** Would a SuperNode accept what the SuperLink shows at the address it dials? */
export const certificate: Check = {
  id: 'certificate',
  title: 'addresses and certificate',
  run(scene) {
    const fleet = fleetEndpoint(scene);
    if (fleet === undefined) return [none('there is no launch plan yet')];
    return scene.role === 'supernode' ? ofTheSuperLink(scene, fleet) : ofOurOwn(scene, fleet);
  },
};

type Fleet = NonNullable<ReturnType<typeof fleetEndpoint>>;

function ofOurOwn(scene: VmSnapshot, { endpoint, caFile }: Fleet): readonly Finding[] {
  const file = shownCertificate(scene);
  if (file === undefined || caFile === null) return [none('plaintext (FL_TLS_ENABLED=NO)')];
  const chainPem = readText(file);
  const caPem = readText(caFile);
  if (chainPem === undefined || caPem === undefined) {
    const found = `${chainPem === undefined ? file : caFile} is gone`;
    return [wrong(found, 'let the agent make it: `systemctl restart flower-context`', 'tls_setup_failed')];
  }
  const problem = explainPeer({ chainPem, caPem, host: endpoint.host, now: scene.now });
  if (problem !== undefined) return fromProblem(problem);
  const { sans } = describeCertificate(chainPem);
  const unnamed = (ownAddresses(scene) ?? []).filter((address) => !sans.includes(sanEntry(address)));
  if (unnamed.length > 0) {
    const found = `it covers ${formatHostPort(endpoint)}, but not ${unnamed.join(', ')}, which this VM has too`;
    return [
      warning(
        found,
        'SuperNodes can dial only what it names; for a new address `systemctl reload flower-context`',
      ),
    ];
  }
  return [ok(`covers ${formatHostPort(endpoint)}, where SuperNodes dial; ${sans.length} names in all`)];
}

/** All addresses that the certificate should name: those that the CONTEXT gives. */
function ownAddresses({ context }: VmSnapshot): readonly string[] | undefined {
  if (!('variables' in context)) return undefined;
  return Object.entries(context.variables)
    .filter(([name, value]) => /^ETH\d+_IP$/.test(name) && value.trim() !== '')
    .map(([, value]) => value.trim());
}

async function ofTheSuperLink(scene: VmSnapshot, { endpoint, caFile }: Fleet): Promise<readonly Finding[]> {
  const caPem = caFile === null ? undefined : readText(caFile);
  const warned = await checkPeerTls(endpoint, caPem, scene.now);
  const shown = formatHostPort(endpoint);
  if (warned !== undefined) {
    const remedy = `check the address, the firewall between the two (TCP ${endpoint.port}), and that the SuperLink is up`;
    return [wrong(warned.facts.found, remedy, warned.code)];
  }
  return caFile === null
    ? [ok(`${shown} answers; plaintext, as this node is told`)]
    : [ok(`${shown} shows a certificate that this node trusts`)];
}

const DAY_MS = 86_400_000;
/** Ours are renewed at two thirds of a year; anything this near its end is not being renewed. */
const SOON_DAYS = 30;

/** When what is in use ends, and when it is renewed. */
export const dates: Check = {
  id: 'dates',
  title: 'certificate dates',
  run(scene) {
    const fleet = fleetEndpoint(scene);
    if (fleet === undefined) return [none('there is no launch plan yet')];
    const certificateFile = shownCertificate(scene);
    const operator = scene.plan?.fleet?.credentials != null;
    const findings = [
      ...(certificateFile === undefined
        ? []
        : [validity(scene, certificateFile, 'the server certificate', !operator)]),
      ...(fleet.caFile === null ? [] : [validity(scene, fleet.caFile, 'the CA', false)]),
    ];
    const bad = findings.filter(({ verdict }) => verdict !== 'ok');
    if (bad.length > 0) return bad;
    return findings.length === 0
      ? [none('plaintext: no certificate is in use')]
      : [ok(findings.map(({ found }) => found).join('; '))];
  },
};

function validity({ now }: VmSnapshot, file: string, what: string, renewed: boolean): Finding {
  const pem = readText(file);
  if (pem === undefined)
    return wrong(`${file} is gone`, '`systemctl restart flower-context`', 'tls_setup_failed');
  const { notAfter, notBefore } = describeCertificate(pem);
  const day = notAfter.toISOString().slice(0, 10);
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
  const remedy = renewed
    ? 'the agent renews it: `systemctl restart flower-context`'
    : 'have it issued again, and give the new one to every VM that has the old';
  if (days < 0) return wrong(`${what} expired on ${day}`, remedy, 'tls_setup_failed');
  if (now < notBefore)
    return wrong(`${what} is valid only from ${notBefore.toISOString()}`, 'check the clock', 'clock_off');
  if (renewed && now >= renewAt(pem))
    return warning(`${what} is due for renewal since ${renewAt(pem).toISOString().slice(0, 10)}`, remedy);
  if (days < SOON_DAYS) return warning(`${what} expires on ${day}, in ${days} days`, remedy);
  const next = renewed ? `, renewed from ${renewAt(pem).toISOString().slice(0, 10)}` : '';
  return ok(`${what} until ${day} (${days} days${next})`);
}
