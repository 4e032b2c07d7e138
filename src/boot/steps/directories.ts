import { ensureFolder } from '../../host/files.ts';
import { type Owner, ourIds, userIds } from '../../host/machine.ts';
import { type CommonOutputs, stepOf } from '../step.ts';

/** For what root writes, Flower's group reads, and nobody else needs. */
export const rootAndGroupOf = ({ gid }: Owner): Owner => ({ uid: ourIds().uid, gid });

/** Makes the folders that the agent writes into, and the one above those of Flower, with the access that docs/security.md states. */
export const prepareDirectories = stepOf<CommonOutputs>()({
  id: 'prepare_directories',
  title: 'prepare the directories',
  needs: ['validate'],
  keeps: true,
  async run(_, { machine, image: { user } }) {
    const owner = userIds(machine, user);
    const { paths } = machine;
    const made = [
      ensureFolder(paths.run, { mode: 0o755 }),
      ensureFolder(paths.state, { mode: 0o755 }),
      ensureFolder(paths.tls, { mode: 0o750, owner: rootAndGroupOf(owner) }),
      ensureFolder(paths.flowerState, { mode: 0o755, owner: ourIds() }),
    ].filter(Boolean).length;
    return made === 0 ? { output: owner, kept: true } : { output: owner, note: `${made} created or fixed` };
  },
});
