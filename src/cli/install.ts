import { EXIT } from '../core/exit.ts';
import { ensureEnvironment } from '../flower/environment.ts';
import { print, printError } from '../host/output.ts';
import { queueJob } from '../host/systemd.ts';
import type { Command } from './command.ts';
import { checkedContext, demandImage } from './context-source.ts';
import { describeFindings } from './findings.ts';

/** A person who waits can wait longer than a boot. */
const LIMIT_MS = 60 * 60_000;

export const install: Command = {
  name: 'install',
  summary: 'installs the Flower and the framework that the CONTEXT asks for, also where a boot could not',
  args: [],
  options: {},
  text: 'A boot tries it once: what failed, or found no room on the disk, is not tried again before this is called. It may take\nan hour where a boot takes ten minutes. Flower is started again with what was installed.',
  examples: [['flower-context install', 'when the disk is larger now, or the package index can be reached']],
  async run({ machine }) {
    demandImage(machine);
    const { config, findings, facts } = await checkedContext(machine, undefined, undefined);
    if (config === undefined) {
      printError(describeFindings(findings));
      return EXIT.badContext;
    }
    const { version, path, degraded } = await ensureEnvironment({
      wanted: config.FLOWER_VERSION,
      baked: facts.image.flowerVersion,
      framework: config.ML_FRAMEWORK,
      paths: machine.paths,
      freeSpaceAt: machine.host.freeSpaceAt,
      again: true,
      limitMs: LIMIT_MS,
      onWait: (wait) => {
        if (wait !== undefined) print(`waiting for ${wait.for}, until ${wait.until.toISOString()}\n`);
      },
    });
    if (degraded !== undefined) throw degraded;
    print(`Flower ${version} is in ${path}\n`);
    // The agent starts Flower again when it is to run from another environment.
    const refused = await queueJob('try-restart', 'flower-context.service');
    if (refused !== undefined)
      printError(`the agent could not be told (${refused}): \`systemctl restart flower-context\`\n`);
    return EXIT.good;
  },
};
