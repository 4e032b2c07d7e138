import type { ProblemCode } from '../../core/catalogue.ts';
import { Problem } from '../../core/problem.ts';
import { exists, type FileAccess, quarantine, writeAtomic, writeIfChanged } from '../../host/files.ts';
import type { Owner } from '../../host/machine.ts';
import { textOrUnfit, UnfitFile } from '../../host/read.ts';
import { privateKeyOf } from '../../tls/certificate.ts';
import { datesOff, type Suspicion, suspectClock, unsynchronised } from '../../tls/clock.ts';
import { type IssueTime, issueServer } from '../../tls/issue.ts';
import { type SubjectNames, subjectNames } from '../../tls/names.ts';
import type { OperatorCertificates } from '../../tls/operator.ts';
import { type Fit, renewAt, stillFits } from '../../tls/renewal.ts';
import { firstCertificate } from '../../tls/texts.ts';
import { operatorCertificates } from '../checks.ts';
import { suspectClockOf } from '../clock.ts';
import { certificateFiles, serverNames } from '../launch.ts';
import { type OwnCa, ownCa } from '../own-ca.ts';
import { type StepTools, type SuperLinkOutputs, stepOf } from '../step.ts';
import { rootAndGroupOf } from './directories.ts';

/**
 * Makes, renews or takes over what the SuperLink serves TLS with. What still fits is kept; while the clock is suspect, its
 * dates do not count. Files in tls/: ca.key stays with root; Flower's group may read the other keys, because Flower has to.
 */
export const certificates = stepOf<SuperLinkOutputs>()({
  id: 'certificates',
  title: 'prepare the certificates',
  needs: ['read_context', 'validate', 'prepare_directories'],
  async run({ read_context, validate: config, prepare_directories: owner }, given) {
    if (!config.FL_TLS_ENABLED) return { output: undefined, skipped: true, note: PLAINTEXT };
    let degradedBy: ProblemCode | undefined;
    const degrade = (problem: Problem): void => {
      degradedBy ??= problem.code;
      given.degrade(problem);
    };
    const tools = { ...given, degrade };
    const { machine, image } = tools;
    const { addresses, hostNames } = read_context;
    const time = { now: machine.clock.now(), built: image.built };
    const operator = operatorCertificates(config, { addresses, hostNames, now: time.now });
    const facts = { addresses, loopback: machine.host.loopback };
    const files = certificateFiles(machine.paths);
    // A certificate must name what SuperNodes dial. It names the host names of the day when it is made; another host name
    // later is no reason to make it again. An operator's certificate need not name the loopback address, but Flower's own
    // children insist on it there.
    const local = subjectNames({ addresses: [], loopback: facts.loopback });
    const wanted =
      operator === undefined
        ? {
            ...files.server,
            names: serverNames(config, { ...facts, hostNames }),
            needed: serverNames(config, facts),
          }
        : { ...files.loopback, names: local, needed: local };
    const judge: Judge = (caPem, certPem) =>
      suspectClockOf(machine, { built: image.built, caPem, certPem }, true);

    const ca = ownCa(tools, {
      ...time,
      hostName: hostNames.at(-1) ?? '',
      wrongClock: (caPem) => judge(caPem) !== undefined,
      goesOnUntil: (caPem) => {
        const { fit, certPem } = present(wanted, caPem, time.now, judge);
        return fit?.fits === true ? renewAt(certPem, caPem) : undefined;
      },
    });
    const own = await keepOrIssue({ tools, ca, owner, time, judge }, wanted);
    const suspicion = judge(ca.certPem, own.certPem);
    const [caCertificate, certificate] = [firstCertificate(ca.certPem), firstCertificate(own.certPem)];
    if (suspicion !== undefined) tools.degrade(suspectClock(suspicion, time.now));
    else
      for (const off of datesOff(caCertificate, time.now))
        (off.severity === 'warning' ? tools.warn : tools.degrade)(off);

    const clock = {
      renewAt: suspicion === undefined ? renewAt(own.certPem, ca.certPem) : undefined,
      clockChanged: () => judge(ca.certPem, own.certPem)?.kind !== suspicion?.kind,
    };
    if (operator !== undefined) {
      const changed = writeOperatorFiles(tools, owner, operator);
      const fingerprint = operator.certPem + own.certPem;
      const { caPem, dialable } = operator;
      describe(tools, operator.certPem, caPem);
      return {
        output: {
          caPem,
          dialable,
          caFile: files.operator.ca,
          fingerprint,
          verifiable: true,
          degradedBy,
          ...clock,
        },
        kept: ca.kept && own.kept && !changed,
        note: `${ca.note}certificate of FL_SSL_CERTFILE, until ${operator.notAfter.toISOString().slice(0, 10)}`,
      };
    }
    describe(tools, own.certPem, ca.certPem);
    const verifiable = [caCertificate, certificate].every(
      ({ notBefore, notAfter }) => time.now >= notBefore && time.now <= notAfter,
    );
    const count = wanted.names.dns.length + wanted.names.ip.length;
    return {
      output: {
        caPem: ca.certPem,
        caFile: files.server.ca,
        fingerprint: own.certPem,
        verifiable,
        degradedBy,
        ...clock,
      },
      kept: ca.kept && own.kept,
      note:
        ca.note + (own.kept ? 'server certificate kept' : `server certificate for ${count} names${own.why}`),
    };
  },
});

const PLAINTEXT = 'FL_TLS_ENABLED=NO: everything is sent in plaintext';

type Judge = (caPem?: string, certPem?: string) => Suspicion | undefined;

/** The certificate that this VM's own CA issues, and its files. */
interface Wanted {
  readonly certificate: string;
  readonly key: string;
  /** Those of a new one, and those that one of an earlier boot must have. */
  readonly names: SubjectNames;
  readonly needed: SubjectNames;
}

interface Use {
  readonly tools: StepTools;
  readonly ca: OwnCa;
  readonly owner: Owner;
  readonly time: IssueTime;
  readonly judge: Judge;
}

/** The pair of an earlier boot, and whether it fits; `fit` is undefined without a whole pair. */
function present({ certificate, key, needed: names }: Wanted, caPem: string, now: Date, judge: Judge) {
  const [certPem, keyPem] = [textOrUnfit(certificate), textOrUnfit(key)];
  const unfit = [certPem, keyPem].find((one) => one instanceof UnfitFile);
  const damaged = (why: string): { certPem: string; fit: Fit } => ({
    certPem: '',
    fit: { fits: false, why, damaged: true },
  });
  if (unfit !== undefined) return damaged(unfit.facts.found);
  if (typeof keyPem !== 'string')
    return certPem === undefined ? { certPem: '', fit: undefined } : damaged(`${key} does not exist`);
  // A boot that was interrupted leaves a key alone: nobody has got its certificate.
  if (typeof certPem !== 'string')
    return privateKeyOf(keyPem) === undefined
      ? damaged('the key of the server certificate cannot be read')
      : { certPem: '', fit: undefined };
  const wrongClock = judge(caPem, certPem) !== undefined;
  return { certPem, fit: stillFits(certPem, keyPem, { caPem, names, now, wrongClock }) };
}

/** Keeps the pair while it fits; otherwise issues a new one under the CA. */
async function keepOrIssue({ tools, ca, owner, time, judge }: Use, wanted: Wanted) {
  const { now } = time;
  const { fit, certPem } = present(wanted, ca.certPem, now, judge);
  if (fit?.fits === true) return { certPem, kept: true, why: '' };
  if (ca.keyPem === undefined)
    throw new Error('the CA goes on without its key, but the certificate does not fit');
  if (fit?.damaged === true) tools.warn(damagedPair(wanted, fit.why, now));
  if (fit?.byDate === true && (await tools.machine.host.clockSynchronised()) === false)
    tools.warn(unsynchronised(now));
  const pair = issueServer({
    ...time,
    ca: { certPem: ca.certPem, keyPem: ca.keyPem },
    names: wanted.names,
    wrongClock: judge(ca.certPem) !== undefined,
  });
  writeAtomic(wanted.key, pair.keyPem, keyAccess(owner));
  writeAtomic(wanted.certificate, pair.certPem, { mode: 0o644 });
  return {
    certPem: pair.certPem,
    kept: false,
    why: fit === undefined ? '' : ` (the earlier one: ${fit.why})`,
  };
}

/** Nothing is lost with a server certificate: SuperNodes trust its CA. */
function damagedPair({ certificate, key }: Wanted, found: string, now: Date): Problem {
  const asides = [certificate, key].filter(exists).map((file) => quarantine(file, now));
  return new Problem('state_damaged', {
    severity: 'warning',
    doing: `checking the server certificate ${certificate}`,
    found,
    remedy: `nothing: a new one was issued under the same CA; what was there is kept as ${asides.join(' and ')}`,
  });
}

/** True if anything was changed. */
function writeOperatorFiles(
  { machine, warn }: StepTools,
  owner: Owner,
  operator: OperatorCertificates,
): boolean {
  for (const warning of operator.warnings) warn(warning);
  const files = certificateFiles(machine.paths).operator;
  return [
    writeIfChanged(files.key, operator.keyPem, keyAccess(owner)),
    writeIfChanged(files.certificate, operator.certPem, { mode: 0o644 }),
    writeIfChanged(files.ca, operator.caPem, { mode: 0o644 }),
  ].some(Boolean);
}

function describe({ setFacts }: StepTools, certPem: string, caPem: string): void {
  const { sans, notAfter } = firstCertificate(certPem);
  const ca_sha256 = firstCertificate(caPem).sha256;
  setFacts({ tls: true, sans, ca_sha256, certificate_until: notAfter.toISOString() });
}

const keyAccess = (owner: Owner): FileAccess => ({ mode: 0o640, owner: rootAndGroupOf(owner) });
