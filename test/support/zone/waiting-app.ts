// The example app, whose ClientApp trains as long as the test wants.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './vm.ts';

/** Its ClientApp writes its process into a file and trains until `finish` is called; then each one trains at once. */
export function waitingApp(root: string) {
  const folder = join(root, 'app');
  const [trains, named] = [join(root, 'trains'), join(root, 'trainer')];
  cpSync(join(REPOSITORY, 'examples/quickstart'), folder, { recursive: true });
  writeFileSync(trains, '');
  const file = join(folder, 'quickstart/client_app.py');
  const text = readFileSync(file, 'utf8');
  const wait = `    import os, time
    with open(${JSON.stringify(named)}, "w") as file:
        file.write(str(os.getpid()))
    while os.path.exists(${JSON.stringify(trains)}):
        time.sleep(0.1)
`;
  const first = '    """One round on this node."""\n';
  if (!text.includes(first)) throw new Error(`${file} does not begin a round as it did`);
  writeFileSync(file, text.replace(first, first + wait));
  return {
    folder,
    finish: () => rmSync(trains),
    /** Its process, while it runs. */
    trainer: (): number | undefined => {
      if (!existsSync(named)) return undefined;
      const pid = Number(readFileSync(named, 'utf8'));
      return pid > 0 && existsSync(`/proc/${pid}`) ? pid : undefined;
    },
  };
}
