import { Problem } from '../../core/problem.ts';
import { foldersFlowerNeeds } from '../../flower/directories.ts';
import { ensureFolder } from '../../host/files.ts';
import { ourIds, userIds } from '../../host/machine.ts';
import type { Step } from '../step.ts';

/** Makes the folders that everything else is written into, with the access that docs/security.md promises. */
export const prepareDirectories: Step = {
  id: 'prepare_directories',
  title: 'prepare the directories',
  needs: ['validate'],
  keeps: true,
  async run(known, { machine }) {
    const { user } = known.get('appliance');
    const owner = userIds(machine.paths, user);
    if (owner === undefined) {
      throw new Problem('image_incomplete', {
        doing: 'looking up the user that Flower runs as',
        found: `no user '${user}' on this machine`,
        expected: `a system user '${user}' (made by sysusers when the package is installed)`,
      });
    }
    const ours = ourIds();
    const group = { uid: ours.uid, gid: owner.gid };
    known.set('flowerOwner', owner);

    const { paths } = machine;
    const made = [
      ensureFolder(paths.run, { mode: 0o755 }),
      ensureFolder(paths.state, { mode: 0o755 }),
      ensureFolder(paths.tls, { mode: 0o750, owner: group }),
      ensureFolder(paths.flowerState, { mode: 0o755 }),
      ...foldersFlowerNeeds(paths, known.get('config')).map((folder) =>
        ensureFolder(folder, { mode: 0o750, owner }),
      ),
    ].filter(Boolean).length;
    return made === 0 ? { kept: true } : { note: `${made} made or put right` };
  },
};
