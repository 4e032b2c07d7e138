import { parseVariables } from '../../config/parse.ts';
import { problemOf } from '../../core/finding.ts';
import { joinProblems, Problem } from '../../core/problem.ts';
import { imageOf } from '../../flower/environment.ts';
import { profileFor } from '../../flower/profiles/index.ts';
import { readBytes, readText } from '../../host/files.ts';
import { hostName, type Machine, sha256 } from '../../host/machine.ts';
import { nameOf } from '../../host/net.ts';
import { connectOneGate } from '../../onegate/client.ts';
import { parseContextSh } from '../../vm/context-sh.ts';
import { tokenFrom } from '../../vm/credentials.ts';
import { asksDns, namesFromContext, withHostPart } from '../../vm/host-names.ts';
import { nicsFrom } from '../../vm/nics.ts';
import { platformFindings } from '../../vm/platform.ts';
import { allAddresses } from '../addresses.ts';
import type { Facts } from '../knowledge.ts';
import { operatorCertificates } from '../operator.ts';
import type { Step, StepResult, StepTools } from '../step.ts';

/** Reads what one-context left. Of one_env only the token is taken (design decision 1). */
export const readContext: Step = {
  id: 'read_context',
  title: 'read the CONTEXT',
  needs: [],
  async run(known, tools) {
    const { path, bytes } = contextFile(tools.machine);
    known.set('contextHash', sha256(bytes));
    tools.tell({ context: known.get('contextHash') });
    const raw = parseContextSh(bytes);
    const { host } = tools.machine;
    known.set('raw', raw);
    const addresses = allAddresses(nicsFrom(raw, host), host.addresses());
    known.set('addresses', addresses);
    const oneGate = oneGateOf(raw, tools);
    known.set('oneGate', oneGate);
    known.set('hostNames', await hostNames(raw, addresses));
    // The reading itself depends on nothing that was known before, so the step keeps its own mark.
    const seen = { context: known.get('contextHash') };
    const kept = tools.checkpoint.has('read_context', seen);
    if (!kept) tools.checkpoint.record('read_context', seen, tools.machine.clock.now());
    const without = oneGate === undefined ? `, no OneGate (${lacking(raw, tools).join(', ')})` : '';
    return {
      note: `${Object.keys(raw).length} variables from ${path.slice(path.lastIndexOf('/') + 1)}${without}`,
    };
  },
};

/** DNS that does not answer holds up the boot no longer than this. */
const DNS_WITHIN_MS = 2_000;

/** The name that one-context gives this VM, where that can be known in time; else the one it has. */
async function hostNames(
  raw: Readonly<Record<string, string>>,
  [first]: readonly string[],
): Promise<string[]> {
  const named = namesFromContext(raw);
  if (named.length > 0) return named;
  const found = asksDns(raw) && first !== undefined ? await nameOf(first, DNS_WITHIN_MS) : undefined;
  return withHostPart(found ?? hostName());
}

function contextFile({ paths }: Machine): { path: string; bytes: Buffer } {
  for (const path of paths.contextFiles) {
    const bytes = readBytes(path);
    if (bytes !== undefined) return { path, bytes };
  }
  throw new Problem('context_unreadable', {
    doing: 'looking for the CONTEXT of this VM',
    found: `neither ${paths.contextFiles.join(' nor ')} exists`,
    expected: 'the file that one-contextd writes at boot',
  });
}

interface Access {
  readonly endpoint?: string | undefined;
  readonly vmId?: string | undefined;
  readonly token?: string | undefined;
}

/** What OpenNebula gives a VM with TOKEN=YES. */
function accessOf(raw: Readonly<Record<string, string>>, { machine }: StepTools): Access {
  const vmId = raw['VMID']?.trim() ?? '';
  return {
    endpoint: raw['ONEGATE_ENDPOINT']?.trim() || undefined,
    vmId: /^\d{1,10}$/.test(vmId) ? vmId : undefined,
    token: (tokenFrom(readText(machine.paths.oneEnv) ?? '') ?? raw['ONEGATE_TOKEN']?.trim()) || undefined,
  };
}

/** Why there is no OneGate: TOKEN=YES is not set, or what did not come although it is. */
function lacking(raw: Readonly<Record<string, string>>, tools: StepTools): string[] {
  if (raw['TOKEN']?.trim().toUpperCase() !== 'YES') return ['TOKEN=YES is not set'];
  const { endpoint, vmId, token } = accessOf(raw, tools);
  return [
    ...(endpoint === undefined ? ['no ONEGATE_ENDPOINT in the CONTEXT'] : []),
    ...(vmId === undefined ? ['no VMID in the CONTEXT'] : []),
    ...(token === undefined ? [`no token in ${tools.machine.paths.oneEnv}`] : []),
  ];
}

/** OneGate is asked for even when other variables are wrong: it is where the error is published. */
function oneGateOf(raw: Readonly<Record<string, string>>, tools: StepTools): Facts['oneGate'] {
  const { machine, journal } = tools;
  const { endpoint, vmId, token } = accessOf(raw, tools);
  if (endpoint === undefined || vmId === undefined || token === undefined) return undefined;
  return connectOneGate({
    endpoint,
    token,
    vmId: Number(vmId),
    clock: machine.clock,
    random: machine.random,
    onRetry: ({ doing, why, attempt, tries, waitMs }) =>
      journal.info(
        `OneGate: ${doing}: ${why}; try ${attempt + 1} of ${tries} in ${(waitMs / 1000).toFixed(1)} s`,
      ),
  });
}

/** Turns the raw strings into a BootConfig, or tells everything that is wrong with them, all at once. */
export const validate: Step = {
  id: 'validate',
  title: 'validate the variables',
  needs: ['read_context'],
  inputs: (known) => ({ context: known.get('contextHash'), image: known.get('appliance') }),
  async run(known, tools): Promise<StepResult> {
    const raw = known.get('raw');
    const parsed = parseVariables(raw, imageOf(known.get('appliance'), tools.machine.paths));
    // The ready script is only one-context's: the agent reports READY without it.
    const warnings = [...parsed.warnings, ...platformFindings(raw, () => true)];
    const warned = problemOf(warnings, 'reading');
    if (warned !== undefined) tools.warn(warned);
    if (!parsed.ok) throw problemOf(parsed.problems, 'reading')!;
    const { config } = parsed;
    tools.journal.configure({ level: config.FL_LOG_LEVEL, format: config.FL_LOG_FORMAT });
    const problems: Problem[] = [];
    const check = (what: () => void): void => {
      try {
        what();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        problems.push(error);
      }
    };
    check(() => profileFor(config.FLOWER_VERSION));
    const certified = { addresses: known.get('addresses'), hostNames: known.get('hostNames') };
    if (config.role === 'superlink')
      check(() => operatorCertificates(config, certified, tools.machine.clock.now()));
    const [first, ...rest] = problems;
    if (first !== undefined) throw joinProblems([first, ...rest]);
    known.set('config', config);
    const count = warnings.length;
    return count === 0
      ? { kept: tools.unchanged }
      : { kept: tools.unchanged, note: `${count} ${count === 1 ? 'warning' : 'warnings'}` };
  },
};
