// The files of this repository, for tests that read all of them.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

/** What is not part of the repository, recorded data, texts of others, and the test that contains what it searches for. */
const EXCLUDED = [
  /^(\.git|\.cache|node_modules|dist|coverage|shared)(\/|$)/,
  /^LICENSE$/,
  /^package-lock\.json$/,
  /^appliance\/flower\/locks\//,
  /^test\/fixtures\//,
  /^test\/opennebula\/answers\.json$/,
  /^test\/support\/(certs|context-samples|onegate-samples)\//,
  /^test\/unit\/words\.test\.ts$/,
  /(^|\/)__pycache__(\/|$)/,
  /\.png$/,
];

export interface RepositoryFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly lines: readonly string[];
  /** All of its text on one line, without comment signs and without quotes between two lines. */
  readonly text: string;
}

export function filesOfRepository(folder = ROOT): RepositoryFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const name = relative(ROOT, path);
    if (EXCLUDED.some((pattern) => pattern.test(name))) return [];
    if (entry.isDirectory()) return filesOfRepository(path);
    return entry.isFile() ? [fileOf(path, name)] : [];
  });
}

function fileOf(path: string, name: string): RepositoryFile {
  const lines = readFileSync(path, 'utf8').split('\n');
  const text = lines
    .map((line) => line.replace(/^\s*(?:\/\/|\/?\*+|#+|\.\\")?\s*/, ''))
    .join(' ')
    .replaceAll(/['"`]?\s*[+,]?\s+['"`]/g, ' ')
    .replaceAll(/\s+/g, ' ');
  return { path: name, lines, text };
}
