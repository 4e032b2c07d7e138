import type { SuperLinkConfig } from '../../config/parse.ts';
import { Problem } from '../../core/problem.ts';
import type { Credentials } from '../../flower/settings.ts';
import { exists, type FileAccess, quarantine, writeAtomic, writeIfChanged } from '../../host/files.ts';
import { type Owner, ourIds } from '../../host/machine.ts';
import { textOrUnfit, UnfitFile } from '../../host/read.ts';
import { issueCa, issueServer, type KeyPair } from '../../tls/issue.ts';
import { type SubjectNames, subjectNames } from '../../tls/names.ts';
import type { OperatorCertificates } from '../../tls/operator.ts';
import { caStillFits, renewAt, stillFits } from '../../tls/renewal.ts';
import { firstCertificate } from '../../tls/texts.ts';
import { operatorCertificates } from '../checks.ts';
import { certificateFiles, serverNames } from '../launch.ts';
import { type ServerTrust, type StepTools, type SuperLinkOutputs, stepOf } from '../step.ts';
import { rootAndGroupOf } from './directories.ts';

/**
 * Makes, renews or takes over what the SuperLink serves TLS with. What still fits is kept. Files in tls/: ca.key stays
 * with root; Flower's group may read the other keys, because Flower has to.
 */
export const certificates = stepOf<SuperLinkOutputs>()({
  id: 'certificates',
  title: 'prepare the certificates',
  needs: ['read_context', 'validate', 'prepare_directories'],
  async run({ read_context, validate: config, prepare_directories: owner }, tools) {
    if (!config.FL_TLS_ENABLED) return { output: undefined, skipped: true, note: PLAINTEXT };
    const now = tools.machine.clock.now();
    const { addresses, hostNames } = read_context;
    const operator = operatorCertificates(config, { addresses, hostNames, now });
    const ca = keepOrMakeCa(tools, hostNames.at(-1) ?? '', now);
    const use = { tools, ca: ca.pair, owner, now };
    const { trust, certPem, kept, note } =
      operator === undefined ? ownCertificate(use, config, read_context) : operatorFiles(use, operator);
    const described = firstCertificate(certPem);
    tools.setFacts({
      tls: true,
      sans: described.sans,
      ca_sha256: firstCertificate(trust.caPem).sha256,
      certificate_until: described.notAfter.toISOString(),
    });
    return { output: trust, kept: ca.kept && kept, note: `${ca.note}${note}` };
  },
});

const PLAINTEXT = 'FL_TLS_ENABLED=NO: everything is sent in plaintext';

interface Use {
  readonly tools: StepTools;
  /** The CA of this VM. */
  readonly ca: KeyPair;
  readonly owner: Owner;
  readonly now: Date;
}

interface Served {
  readonly trust: ServerTrust;
  readonly certPem: string;
  readonly kept: boolean;
  readonly note: string;
}

/** The VM's own CA: kept for its ten years, so that every node that ever trusted it still does. */
function keepOrMakeCa(
  { machine, degrade, warn }: StepTools,
  hostName: string,
  now: Date,
): { pair: KeyPair; kept: boolean; note: string } {
  const { caCertificate, caKey } = certificateFiles(machine.paths);
  const [certPem, keyPem] = [textOrUnfit(caCertificate), textOrUnfit(caKey)];
  const damage = [certPem, keyPem].find((one) => one instanceof UnfitFile)?.message;
  if (damage !== undefined || (certPem !== undefined && keyPem !== undefined)) {
    const pair = { certPem: String(certPem), keyPem: String(keyPem) };
    const fit = damage === undefined ? caStillFits(pair, { now }) : { fits: false as const, why: damage };
    if (fit.fits) {
      if (fit.warning !== undefined) warn(fit.warning);
      return { pair, kept: true, note: 'CA kept, ' };
    }
    const asides = [caCertificate, caKey].filter(exists).map((file) => quarantine(file, now));
    degrade(
      new Problem('state_damaged', {
        doing: 'checking the CA of this VM',
        found: fit.why,
        remedy: `SuperNodes that pin the old CA (FL_SSL_CA_CERTFILE) need the new one; the old files are kept as ${asides.join(' and ')}`,
      }),
    );
  }
  const pair = issueCa({ now, commonName: `flower-context CA ${hostName}` });
  // The key first: a certificate without its key could not be distinguished from a whole CA.
  writeAtomic(caKey, pair.keyPem, { mode: 0o600, owner: ourIds() });
  writeAtomic(caCertificate, pair.certPem, { mode: 0o644 });
  return { pair, kept: false, note: 'new CA, ' };
}

function ownCertificate(
  use: Use,
  config: SuperLinkConfig,
  { addresses, hostNames }: SuperLinkOutputs['read_context'],
): Served {
  const { machine } = use.tools;
  const facts = { addresses, loopback: machine.host.loopback };
  // A certificate must name what SuperNodes dial. It names the host names of the day when it is made; another host name
  // later is no reason to make it again.
  const names = serverNames(config, { ...facts, hostNames });
  const files = certificateFiles(machine.paths).server;
  const { certPem, kept, why } = keepOrIssue(use, files, names, serverNames(config, facts));
  const count = names.dns.length + names.ip.length;
  return {
    trust: { caPem: use.ca.certPem, caFile: files.ca, fingerprint: certPem, renewAt: renewAt(certPem) },
    certPem,
    kept,
    note: kept ? 'server certificate kept' : `server certificate for ${count} names${why}`,
  };
}

/** Keeps the pair while it fits, with all `needed` names; otherwise issues a new one under the CA. */
function keepOrIssue(
  { ca, now, owner }: Use,
  { certificate, key }: Credentials,
  names: SubjectNames,
  needed = names,
) {
  const [certPem, keyPem] = [textOrUnfit(certificate), textOrUnfit(key)];
  const unfit = [certPem, keyPem].find((one) => one instanceof UnfitFile);
  let why = unfit === undefined ? '' : ` (the earlier one: ${unfit.facts.found})`;
  if (typeof certPem === 'string' && typeof keyPem === 'string') {
    const fit = stillFits(certPem, keyPem, { caPem: ca.certPem, names: needed, now });
    if (fit.fits) return { certPem, kept: true, why };
    why = ` (the earlier one: ${fit.why})`;
  }
  const pair = issueServer({ ca, names, now });
  writeAtomic(key, pair.keyPem, keyAccess(owner));
  writeAtomic(certificate, pair.certPem, { mode: 0o644 });
  return { certPem: pair.certPem, kept: false, why };
}

function operatorFiles(use: Use, operator: OperatorCertificates): Served {
  const { machine, warn } = use.tools;
  for (const warning of operator.warnings) warn(warning);
  const { operator: files, loopback: local } = certificateFiles(machine.paths);
  const changed = [
    writeIfChanged(files.key, operator.keyPem, keyAccess(use.owner)),
    writeIfChanged(files.certificate, operator.certPem, { mode: 0o644 }),
    writeIfChanged(files.ca, operator.caPem, { mode: 0o644 }),
  ].some(Boolean);
  // The operator's certificate need not name the loopback address, but Flower's own children insist on it there.
  const names = subjectNames({ addresses: [], loopback: machine.host.loopback });
  const loopback = keepOrIssue(use, local, names);
  return {
    trust: {
      caPem: operator.caPem,
      dialable: operator.dialable,
      caFile: files.ca,
      fingerprint: operator.certPem + loopback.certPem,
      renewAt: undefined,
    },
    certPem: operator.certPem,
    kept: !changed && loopback.kept,
    note: `certificate of FL_SSL_CERTFILE, until ${operator.notAfter.toISOString().slice(0, 10)}`,
  };
}

const keyAccess = (owner: Owner): FileAccess => ({ mode: 0o640, owner: rootAndGroupOf(owner) });
