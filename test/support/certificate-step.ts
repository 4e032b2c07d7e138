// The step that prepares the certificates of a SuperLink, in a folder, on a clock that a test sets.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { StepTools, SuperLinkOutputs } from '../../src/boot/step.ts';
import { certificates } from '../../src/boot/steps/certificates.ts';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { parseVariables } from '../../src/config/parse.ts';
import type { Problem } from '../../src/core/problem.ts';
import { pathsUnder } from '../../src/host/paths.ts';
import { openJournal } from '../../src/report/journal.ts';
import { firstCertificate } from '../../src/tls/texts.ts';
import { parseImage } from '../../src/vm/image.ts';
import { folderHost } from './agent/host.ts';
import { FakeClock } from './fake-clock.ts';

export interface Prepared {
  readonly trust: NonNullable<SuperLinkOutputs['certificates']>;
  readonly note: string;
  /** In the order in which they were reported; `warnings`: those that change nothing. */
  readonly degradations: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly journal: string;
  /** SHA-256 of the CA that SuperNodes get. */
  readonly fingerprint: string;
  readonly serverPem: string;
}

export class CertificateStep {
  readonly clock: FakeClock;
  readonly paths;
  /** What something that synchronises the clock says of itself. */
  synchronised: boolean | undefined;
  readonly #built: Date;

  constructor(now: Date, built = now) {
    const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    this.clock = new FakeClock(now.toISOString());
    this.paths = pathsUnder(folder);
    this.#built = built;
    mkdirSync(this.paths.tls, { recursive: true });
    mkdirSync(this.paths.run, { recursive: true });
  }

  /** Another start of the operating system. */
  reboot(): void {
    rmSync(this.paths.run, { recursive: true });
    mkdirSync(this.paths.run);
  }

  async run(variables: Record<string, string> = {}): Promise<Prepared> {
    const image = parseImage(
      JSON.stringify({
        role: 'superlink',
        flower: { version: BAKED_FLOWER, framework: 'none' },
        built: this.#built.toISOString(),
      }),
    );
    const parsed = parseVariables(variables, {
      role: 'superlink',
      flowerVersion: BAKED_FLOWER,
      framework: 'none',
    });
    if (!parsed.ok || parsed.config.role !== 'superlink') throw new Error('a wrong configuration');
    const [degradations, warnings, lines]: [Problem[], Problem[], string[]] = [[], [], []];
    const host = {
      ...folderHost({ loopback: '127.0.0.1' }, () => 'boot'),
      clockSynchronised: async () => this.synchronised,
      collectGarbage: (): void => {},
    };
    const tools: Pick<StepTools, 'machine' | 'image' | 'journal' | 'degrade' | 'warn' | 'setFacts'> = {
      machine: { paths: this.paths, clock: this.clock, random: () => 0, host },
      image,
      journal: openJournal((line) => lines.push(line), false),
      degrade: (problem) => void degradations.push(problem),
      warn: (problem) => void warnings.push(problem),
      setFacts: () => {},
    };
    const { output, note = '' } = await certificates.run(
      {
        read_context: {
          variables: {},
          sha256: '',
          addresses: ['10.0.0.5'],
          hostNames: ['flower'],
          access: undefined,
          oneGate: undefined,
        },
        validate: parsed.config,
        prepare_directories: { uid: process.getuid!(), gid: process.getgid!() },
      },
      // The step uses nothing else.
      tools as StepTools,
    );
    if (output === undefined) throw new Error('plaintext');
    return {
      trust: output,
      note,
      degradations,
      warnings,
      journal: lines.join(''),
      fingerprint: firstCertificate(output.caPem).sha256,
      serverPem: this.read('server.pem') ?? '',
    };
  }

  at = (name: string): string => join(this.paths.tls, name);
  read = (name: string): string | undefined =>
    existsSync(this.at(name)) ? readFileSync(this.at(name), 'utf8') : undefined;
  write = (name: string, text: string): void => writeFileSync(this.at(name), text, { mode: 0o600 });
  remove(...names: string[]): void {
    for (const name of names) rmSync(this.at(name), { recursive: true });
  }
  names = (): string[] => readdirSync(this.paths.tls).sort();
  /** All texts in the folder of the certificates. */
  texts = (): string[] => this.names().map((name) => readFileSync(this.at(name), 'utf8'));
}
