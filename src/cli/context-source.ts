// The CONTEXT that `context`, `validate`, `plan` and `install` are about: that of a FILE, or that of this VM.
import type { Buffer } from 'node:buffer';
import { allAddresses, hostNamesOf } from '../boot/addresses.ts';
import { type CheckFacts, checkContext } from '../boot/checks.ts';
import type { BootConfig, ImageFacts } from '../config/parse.ts';
import { releaseImage } from '../config/release.ts';
import { findingsOf, type VariableFinding } from '../core/finding.ts';
import { Problem } from '../core/problem.ts';
import { imageOf } from '../flower/environment.ts';
import { exists } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { readNamed } from '../host/read.ts';
import { knownVariables, parseVariableFile, type VariableFile } from '../vm/context-file.ts';
import { namesFromContext } from '../vm/host-names.ts';
import { hasImage, loadImage, loadVm } from '../vm/load.ts';
import { nicsFrom } from '../vm/nics.ts';
import { UsageError } from './command.ts';

/** What the help of these commands says about their argument. */
export const FILE_TEXT =
  'FILE is a context.sh, the CONTEXT block of a template, what `onevm show` prints (also with --json), a JSON object of names, or KEY=VALUE lines; - is standard input. Without FILE: the CONTEXT of this VM.';

export const ROLE_OPTION = {
  description: 'the role to check for; default: the role of this image',
  value: 'ROLE',
  choices: ['superlink', 'supernode'],
} as const;

/**
 * The variables of FILE, in any of the formats, or of this VM, whose CONTEXT is a context.sh and nothing else.
 * @throws Problem context_unreadable, UsageError
 */
export function readVariables(
  machine: Machine,
  file: string | undefined,
): Pick<VariableFile, 'variables' | 'open'> {
  if (file !== undefined) return readFile(file);
  const { context, contextSha256 } = loadVm(machine);
  if (!(context instanceof Problem)) return { variables: context.variables, open: new Set() };
  if (contextSha256 === undefined && context.code === 'context_unreadable')
    throw new UsageError('this machine has no CONTEXT; name a FILE');
  throw context;
}

/** one-context has not written FILE: the catalogue's remedy is not for it. */
function readFile(file: string): Pick<VariableFile, 'variables' | 'open'> {
  const bytes = readInput(file);
  try {
    return parseVariableFile(bytes);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'context_unreadable') throw error;
    const name = file === '-' ? 'standard input' : file;
    throw new Problem(error.code, { remedy: `correct ${name}, or give another FILE`, ...error.facts });
  }
}

/** The bytes of a file that a person named; - is standard input. Throws UsageError. */
export function readInput(file: string): Buffer {
  let bytes: Buffer | undefined;
  try {
    bytes = readNamed(file);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new UsageError(`${file} cannot be read: ${error.facts.found}`);
  }
  if (bytes === undefined) throw new UsageError(`there is no file ${file}`);
  return bytes;
}

interface CheckedContext {
  /** What a boot would find wrong, errors first. */
  readonly findings: readonly VariableFinding[];
  /** Undefined when there are errors. */
  readonly config: BootConfig | undefined;
  readonly facts: CheckFacts;
  /** NAME -> value. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Reads and checks the CONTEXT of FILE or of this VM, by the function that the boot checks with. */
export async function checkedContext(
  machine: Machine,
  file: string | undefined,
  role: string | undefined,
): Promise<CheckedContext> {
  const variables = readVariables(machine, file);
  const raw = knownVariables(variables);
  const own = file === undefined;
  // FILE is the CONTEXT of another machine: the kernel and DNS of this one have nothing to do with it.
  const addresses = allAddresses(nicsFrom(raw, machine.host), own ? machine.host.addresses() : []);
  const facts: CheckFacts = {
    image: imageFacts(machine, role),
    now: machine.clock.now(),
    open: variables.open,
    addresses,
    hostNames: own ? await hostNamesOf(raw, addresses) : namesFromContext(raw),
    token: own ? tokenOf(machine) : raw['ONEGATE_TOKEN']?.trim() || undefined,
    ...(hasImage(machine) ? { programExists: (path) => exists(`${machine.paths.root}/${path}`) } : {}),
  };
  const { config, errors, warnings, ahead, problems } = checkContext(raw, facts);
  const findings = [...errors, ...problems.flatMap(findingsOf), ...warnings, ...ahead];
  const failed = findings.some(({ severity }) => severity === 'error');
  return { findings, config: failed ? undefined : config, facts, variables: variables.variables };
}

/** The token that the boot uses. */
function tokenOf(machine: Machine): string | undefined {
  const { credentials } = loadVm(machine);
  return credentials instanceof Problem || 'missing' in credentials ? undefined : credentials.token;
}

/** The image of this machine; where there is none, that of the release, for the role that --role names. */
function imageFacts(machine: Machine, role: string | undefined): ImageFacts {
  const wanted = role === 'superlink' || role === 'supernode' ? role : undefined;
  const image = loadImage(machine);
  if (!(image instanceof Problem)) return imageOf({ ...image, role: wanted ?? image.role }, machine.paths);
  if (hasImage(machine)) throw image;
  if (wanted !== undefined) return releaseImage(wanted);
  throw new UsageError('name the role that it is for: --role superlink or --role supernode');
}

/** For commands that are about this VM. Throws UsageError on a machine that is not made of an image. */
export function demandImage(machine: Machine): void {
  if (hasImage(machine)) return;
  throw new UsageError(
    `this machine is not made of an image of flower-context: ${machine.paths.appliance} does not exist`,
  );
}
