import { expect } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import {
  type ImageFacts,
  type Parsed,
  parseVariables,
  type SuperLinkConfig,
  type SuperNodeConfig,
} from '../../../src/config/parse.ts';
import type { VariableFinding as Finding } from '../../../src/core/finding.ts';

export const LINK: ImageFacts = { role: 'superlink', flowerVersion: BAKED_FLOWER, framework: 'none' };
export const NODE: ImageFacts = { role: 'supernode', flowerVersion: BAKED_FLOWER, framework: 'pytorch' };

type Raw = Readonly<Record<string, string>>;

/** The configuration of a context that is right; its warnings are the caller's business. */
export function superLink(raw: Raw): SuperLinkConfig {
  const parsed = parseVariables(raw, LINK);
  if (!parsed.ok) expect.fail(JSON.stringify(parsed.problems));
  return parsed.config as SuperLinkConfig;
}

export function superNode(raw: Raw): SuperNodeConfig {
  const parsed = parseVariables(raw, NODE);
  if (!parsed.ok) expect.fail(JSON.stringify(parsed.problems));
  return parsed.config as SuperNodeConfig;
}

/** Everything that was said, errors first. */
export const findingsOf = (parsed: Parsed): readonly Finding[] => [
  ...(parsed.ok ? [] : parsed.problems),
  ...parsed.warnings,
];

export const problems = (raw: Raw, image: ImageFacts = LINK): readonly Finding[] => {
  const parsed = parseVariables(raw, image);
  return parsed.ok ? [] : parsed.problems;
};

export const warnings = (raw: Raw, image: ImageFacts = LINK): readonly Finding[] =>
  parseVariables(raw, image).warnings;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Shaped like PEM; the bytes inside are not read here. */
export const CERTIFICATE_PEM =
  '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQQ==\n-----END CERTIFICATE-----\n';
export const KEY_PEM = '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END PRIVATE KEY-----\n';
export const CERTIFICATE = base64(CERTIFICATE_PEM);
export const KEY = base64(KEY_PEM);
