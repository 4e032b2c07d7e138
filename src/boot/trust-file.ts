// The file with what this node trusted last (tls/trust-memory.ts), and the CA file for Flower beside it.
import * as z from 'zod';
import type { SuperNodeConfig } from '../config/parse.ts';
import { parseJson } from '../core/json.ts';
import { attempt, Problem } from '../core/problem.ts';
import { quarantine, readText, remove, unlessUnfit, writeAtomic, writeIfChanged } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { certificatesIn } from '../tls/texts.ts';
import { CA_FILE_ONLY, type TrustMemory, trustMemorySchema } from '../tls/trust-memory.ts';
import { previousCaFile, superLinkCaFile } from './launch.ts';

interface Last {
  /** Undefined: this VM has trusted nobody yet. */
  readonly last: TrustMemory | undefined;
  readonly damage: Problem | undefined;
}

/**
 * What this VM trusted last. Without a readable file the CA file of the last boot is the evidence that it used TLS, so that
 * neither damage nor a deleted file leads to plaintext.
 */
export function readTrust(paths: Paths, { VMID: vmId, FL_TLS_ENABLED }: SuperNodeConfig, now: Date): Last {
  const text = attempt(() => readText(paths.trust, { owner: 'own' }));
  const memory = text instanceof Problem ? undefined : parseJson(text, trustMemorySchema);
  if (memory !== undefined) {
    const other = memory.vmId !== null && vmId !== undefined && memory.vmId !== vmId;
    return { last: other ? undefined : memory, damage: undefined };
  }
  // Earlier versions wrote no memory, and left the CA file of earlier TLS where it was. Their plan is newer evidence.
  if (text === undefined && ranInPlaintext(paths)) return { last: undefined, damage: undefined };
  const last = fromCaFile(paths, vmId, FL_TLS_ENABLED);
  if (text === undefined) return { last, damage: undefined };
  const required =
    last === undefined
      ? 'there is no CA of an earlier boot'
      : 'TLS stays required, because there is a CA of an earlier boot';
  const damage = new Problem('state_damaged', {
    doing: `reading ${paths.trust}`,
    found:
      text instanceof Problem
        ? text.facts.found
        : `${text.length} characters that do not say what this node trusted last`,
    expected: 'the JSON this agent wrote',
    remedy: `nothing: ${required}; what was there is kept as ${quarantine(paths.trust, now)}`,
  });
  return { last, damage };
}

/** Of a plan of any version. */
const argvOnly = z.lazy(() => z.object({ argv: z.array(z.string()) }));

/** Whether the launch plan of this boot of the VM has no TLS. Only root can write it; a reboot removes it. */
function ranInPlaintext(paths: Paths): boolean {
  const text = unlessUnfit(() => readText(paths.plan, { owner: 'own' }));
  const plan = text === undefined ? undefined : parseJson(text, argvOnly);
  return plan?.argv.includes('--insecure') === true;
}

/** The operator is taken not to have changed FL_TLS_ENABLED since. */
function fromCaFile(
  paths: Paths,
  vmId: number | undefined,
  tlsEnabled: boolean | undefined,
): TrustMemory | undefined {
  // Also something that is no file is evidence, with an unknown CA.
  const read = attempt(() => readText(superLinkCaFile(paths)));
  if (read === undefined) return undefined;
  const pem = read instanceof Problem ? '' : read;
  return {
    version: 1,
    vmId: vmId ?? null,
    tls: true,
    ca: certificatesIn(pem).certificates.map(({ sha256 }) => sha256),
    address: null,
    tlsEnabled: tlsEnabled ?? null,
    at: CA_FILE_ONLY,
    bootId: '',
    suspicion: null,
  };
}

/**
 * Writes the memory, then the CA file: after a power cut between the two, nothing looks as if it had been trusted before. A
 * CA that is replaced is kept beside it. True when the CA file was right already.
 */
export function writeTrust(paths: Paths, memory: TrustMemory, caPem: string | undefined): boolean {
  const file = superLinkCaFile(paths);
  const before = unlessUnfit(() => readText(file));
  if (before !== undefined && before !== caPem) writeAtomic(previousCaFile(paths), before, { mode: 0o644 });
  writeIfChanged(paths.trust, `${JSON.stringify(memory)}\n`, { mode: 0o600 });
  if (caPem !== undefined) return !writeIfChanged(file, caPem, { mode: 0o644 });
  // The evidence of TLS ends only with the operator's word, or where there never was TLS.
  remove(file);
  return false;
}
