import { join } from 'node:path';
import type { SuperLinkConfig } from '../../config/parse.ts';
import { Problem } from '../../core/problem.ts';
import { quarantine, readText, writeAtomic, writeIfChanged } from '../../host/files.ts';
import { type Machine, ourIds } from '../../host/machine.ts';
import type { Paths } from '../../host/paths.ts';
import { describeCertificate } from '../../tls/describe.ts';
import { issueCa, issueServer, type KeyPair } from '../../tls/issue.ts';
import { type SubjectNames, subjectNames } from '../../tls/names.ts';
import { caStillFits, renewAt, stillFits } from '../../tls/renewal.ts';
import type { Knowledge, ServerTrust } from '../knowledge.ts';
import { operatorCertificates } from '../operator.ts';
import type { Step, StepTools } from '../step.ts';

/**
 * Makes, renews or takes over what the SuperLink serves TLS with. What still fits is kept. Files in tls/: ca.key stays
 * with root; Flower's group may read the other keys, because Flower has to.
 */
export const certificates: Step = {
  id: 'certificates',
  title: 'prepare the certificates',
  needs: ['prepare_directories'],
  async run(known, tools) {
    const config = known.get('config') as SuperLinkConfig;
    if (!config.FL_TLS_ENABLED) {
      known.set('serverTrust', undefined);
      return { skipped: true, note: 'FL_TLS_ENABLED=NO: everything is sent in plaintext' };
    }
    const now = tools.machine.clock.now();
    const [addresses, hostNames] = [known.get('addresses'), known.get('hostNames')];
    const operator = operatorCertificates(config, { addresses, hostNames }, now);
    const ca = keepOrMakeCa(tools, hostNames.at(-1) ?? '', now);
    const outcome =
      operator === undefined
        ? ownCertificate(known, tools, ca.pair, now)
        : operatorFiles(known, tools, ca.pair, operator, now);
    known.set('serverTrust', outcome.trust);
    const described = describeCertificate(outcome.shownPem);
    known.set('renewAt', operator === undefined ? renewAt(outcome.shownPem) : undefined);
    tools.tell({
      tls: true,
      sans: [...described.sans],
      ca_sha256: describeCertificate(outcome.trust.caPem).sha256,
      certificate_until: described.notAfter.toISOString(),
    });
    return { kept: ca.kept && outcome.kept, note: `${ca.note}${outcome.note}` };
  },
};

type Outcome = {
  readonly trust: ServerTrust;
  readonly shownPem: string;
  readonly kept: boolean;
  readonly note: string;
};

const fileOf = ({ paths }: Machine, name: string): string => join(paths.tls, name);

/** The files of the three pairs that may be served with. */
export const certificateFiles = (paths: Paths) => {
  const pair = (name: string, ca: string) => ({
    certificate: join(paths.tls, `${name}.pem`),
    key: join(paths.tls, `${name}.key`),
    ca: join(paths.tls, ca),
  });
  return {
    /** Issued by this VM's CA. */
    server: pair('server', 'ca.pem'),
    /** The operator's, served on the Fleet API. */
    operator: pair('operator-server', 'operator-ca.pem'),
    /** Beside the operator's, for the local listeners. */
    loopback: pair('loopback', 'ca.pem'),
  } as const;
};

/** The VM's own CA: kept for its ten years, so that every node that ever trusted it still does. */
function keepOrMakeCa(
  { machine, degrade, warn }: StepTools,
  hostName: string,
  now: Date,
): { pair: KeyPair; kept: boolean; note: string } {
  const certFile = fileOf(machine, 'ca.pem');
  const keyFile = fileOf(machine, 'ca.key');
  const certPem = readText(certFile);
  const keyPem = readText(keyFile);
  if (certPem !== undefined && keyPem !== undefined) {
    const fit = caStillFits({ certPem, keyPem }, { now });
    if (fit.fits) {
      if (fit.warning !== undefined) warn(fit.warning);
      return { pair: { certPem, keyPem }, kept: true, note: 'CA kept, ' };
    }
    const asides = [certFile, keyFile].map((file) => quarantine(file, now));
    degrade(
      new Problem('state_damaged', {
        doing: 'checking the CA of this VM',
        found: fit.why,
        remedy: `SuperNodes that pin the old CA (FL_SSL_CA_CERTFILE) need the new one; the old files are kept as ${asides.join(' and ')}`,
      }),
    );
  }
  const pair = issueCa({ now, commonName: `flower-context CA ${hostName}` });
  // The key first: a certificate without its key could not be told from a whole CA.
  writeAtomic(keyFile, pair.keyPem, { mode: 0o600, owner: ourIds() });
  writeAtomic(certFile, pair.certPem, { mode: 0o644 });
  return { pair, kept: false, note: 'new CA, ' };
}

function ownCertificate(known: Knowledge, tools: StepTools, ca: KeyPair, now: Date): Outcome {
  const config = known.get('config') as SuperLinkConfig;
  // A certificate must name what SuperNodes dial. A host name it has when it is made, and is not made again for: a VM that
  // is given another name goes on serving.
  const needed = {
    addresses: known.get('addresses'),
    extraSan: config.FL_CERT_EXTRA_SAN,
    loopback: tools.machine.host.loopback,
  };
  const names = subjectNames({ ...needed, hostname: known.get('hostNames') });
  const files = certificateFiles(tools.machine.paths).server;
  const { pair, kept, why } = keepOrIssue(known, files, ca, { names, needed: subjectNames(needed) }, now);
  return {
    trust: { caPem: ca.certPem, files, fingerprint: pair.certPem },
    shownPem: pair.certPem,
    kept,
    note: kept
      ? 'server certificate kept'
      : `server certificate for ${names.dns.length + names.ip.length} names${why}`,
  };
}

/** Keeps the pair while it fits, which is while it has all that is needed, else issues a new one under the CA. */
function keepOrIssue(
  known: Knowledge,
  { certificate, key }: ServerTrust['files'],
  ca: KeyPair,
  { names, needed }: { readonly names: SubjectNames; readonly needed: SubjectNames },
  now: Date,
) {
  const certPem = readText(certificate);
  const keyPem = readText(key);
  let why = '';
  if (certPem !== undefined && keyPem !== undefined) {
    const fit = stillFits(certPem, keyPem, { caPem: ca.certPem, names: needed, now });
    if (fit.fits) return { pair: { certPem, keyPem }, kept: true, why };
    why = ` (the earlier one: ${fit.why})`;
  }
  const pair = issueServer({ ca, names, now });
  writeKeyPair(known, pair, certificate, key);
  return { pair, kept: false, why };
}

function operatorFiles(
  known: Knowledge,
  tools: StepTools,
  ca: KeyPair,
  operator: NonNullable<ReturnType<typeof operatorCertificates>>,
  now: Date,
): Outcome {
  const { machine } = tools;
  for (const warning of operator.warnings) tools.warn(warning);
  const { operator: files, loopback: local } = certificateFiles(machine.paths);
  const changed = [
    writeIfChanged(files.key, operator.keyPem, { mode: 0o640, owner: keyOwner(known) }),
    writeIfChanged(files.certificate, operator.certPem, { mode: 0o644 }),
    writeIfChanged(files.ca, operator.caPem, { mode: 0o644 }),
  ].some(Boolean);
  // The operator's certificate need not name the loopback address, but Flower's own children insist on it there.
  const names = subjectNames({ addresses: [], loopback: tools.machine.host.loopback });
  const loopback = keepOrIssue(known, local, ca, { names, needed: names }, now);
  return {
    trust: {
      caPem: operator.caPem,
      dialable: operator.dialable,
      files,
      loopback: local,
      fingerprint: operator.certPem + loopback.pair.certPem,
    },
    shownPem: operator.certPem,
    kept: !changed && loopback.kept,
    note: `certificate of FL_SSL_CERTFILE, until ${describeCertificate(operator.certPem).notAfter.toISOString().slice(0, 10)}`,
  };
}

function writeKeyPair(known: Knowledge, pair: KeyPair, certificate: string, key: string): void {
  writeAtomic(key, pair.keyPem, { mode: 0o640, owner: keyOwner(known) });
  writeAtomic(certificate, pair.certPem, { mode: 0o644 });
}

/** Ours to write, Flower's group to read. */
const keyOwner = (known: Knowledge): { uid: number; gid: number } => ({
  uid: ourIds().uid,
  gid: known.get('flowerOwner').gid,
});
