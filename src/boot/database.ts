// Which Flower last served with the SuperLink's database. A newer one migrates it, and an older one does not open it any more
// (docs/facts.md, "flower-database"): that is refused before anything is stopped.
import type { SuperLinkConfig } from '../config/parse.ts';
import { joinProblems, Problem } from '../core/problem.ts';
import { isOlder } from '../core/version.ts';
import { remove, writeIfChanged } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import type { Checkpoint } from './checkpoint.ts';

type Of = Pick<SuperLinkConfig, 'FL_DATABASE'>;

/** X.Y.Z; undefined when no Flower has served with this database, or that is not known. */
function openedBy({ FL_DATABASE }: Of, { database }: Checkpoint): string | undefined {
  const { file, flower, before } = database ?? {};
  if (file === undefined || file === FL_DATABASE) return flower;
  return new Map(Object.entries(before ?? {})).get(FL_DATABASE);
}

/**
 * `instead`: why `version` would run and not the one that FLOWER_VERSION asks for; undefined: it is the one.
 * @throws Problem flower_database_newer
 */
export function demandNoOlderFlower(
  config: Of,
  version: string,
  checkpoint: Checkpoint,
  instead?: Problem,
): void {
  const opened = openedBy(config, checkpoint);
  if (opened === undefined || !isOlder(version, opened)) return;
  const which =
    instead === undefined ? `FLOWER_VERSION asks for Flower ${version}` : `the image has ${version}`;
  const refused = new Problem('flower_database_newer', {
    doing: `comparing Flower with the database ${config.FL_DATABASE}`,
    found: `Flower ${opened} has served with it, and ${which}`,
    expected: `Flower ${opened} or newer: an older one does not open a database that a newer one has migrated`,
    variable: 'FLOWER_VERSION',
    contextAtFault: instead === undefined,
  });
  throw instead === undefined ? refused : joinProblems([refused, instead]);
}

/** For the launcher, which keeps a copy of the database before a newer Flower migrates it. */
export function writeDatabaseVersion(config: Of, checkpoint: Checkpoint, paths: Paths): void {
  const flower = openedBy(config, checkpoint);
  if (flower === undefined) remove(paths.databaseVersion);
  else
    writeIfChanged(paths.databaseVersion, `${JSON.stringify({ flower })}\n`, { mode: 0o644, durable: false });
}

/** This Flower serves, so it has opened the database. */
export function rememberDatabase({ FL_DATABASE: file }: Of, flower: string, checkpoint: Checkpoint): void {
  const { database } = checkpoint;
  if (database?.file !== file || database.flower !== flower) checkpoint.rememberDatabase({ file, flower });
}
