// The example app, whose ClientApp trains as long as the test wants.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './vm.ts';

/**
 * Its ClientApp writes its process into a file and trains until `finish` is called; then each one trains at once. Its reply has
 * an array of `kibOfReply` besides the model.
 */
export function waitingApp(root: string, kibOfReply = 0) {
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
  const reply = '    loss, _ = evaluate(model, data)\n';
  if (!text.includes(reply)) throw new Error(`${file} does not make its reply as it did`);
  const large = `    import numpy
    model["large"] = numpy.random.default_rng(0).random(${kibOfReply * 128})
`;
  writeFileSync(
    file,
    text.replace(first, first + wait).replace(reply, kibOfReply > 0 ? reply + large : reply),
  );
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
