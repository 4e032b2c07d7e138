// FL_ISOLATION=process: the data of the site is for the group of ClientApps, and folders of older images have another one.
import { isFolder } from '../../host/files.ts';
import { run } from '../../host/process.ts';
import { type Check, none, ok, warning } from '../check.ts';

const GROUP = 'flower-data';

export const data: Check = {
  id: 'data',
  title: 'data of the site',
  needs: 'context',
  async run({ machine: { paths }, role, config }) {
    const { data: path } = paths;
    if (role !== 'supernode' || config?.FL_ISOLATION !== 'process' || !isFolder(path))
      return [none('only checked on a SuperNode with FL_ISOLATION=process')];
    const { code, stdout } = await run('stat', ['-L', '-c', '%G %a', path], { timeoutMs: 2_000 });
    const [group, mode = '0'] = stdout.trim().split(' ');
    const forAll = (Number.parseInt(mode, 8) & 0o5) === 0o5;
    if (code === 0 && (group === GROUP || forAll)) return [ok(`ClientApps can read ${path}`)];
    return [
      warning(
        `ClientApps run as flower-app and may not read ${path}: its group is ${group || 'unknown'}, mode ${mode}`,
        `give it to their group: \`chgrp -R ${GROUP} ${path}\``,
      ),
    ];
  },
};
