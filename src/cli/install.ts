import { EXIT } from '../core/exit.ts';
import { ensureEnvironment } from '../flower/environment.ts';
import { queueJob } from '../host/systemd.ts';
import { defineCommand } from './command.ts';
import { checkedContext, demandImage } from './context-source.ts';
import { printFindings } from './findings.ts';
import { printErrorText, printText } from './terminal.ts';

/** A person can wait longer than a boot. */
const LIMIT_MS = 60 * 60_000;

export const install = defineCommand({
  name: 'install',
  summary: 'Install the Flower and the framework that the CONTEXT asks for',
  args: [],
  options: {},
  text: 'A boot tries an installation once, for at most 10 minutes. This command tries it again, for at most an hour. Then the agent restarts Flower with the new environment.',
  examples: [
    ['flower-context install', 'After the disk was enlarged, or the package index became reachable'],
  ],
  async run({ machine }) {
    demandImage(machine);
    const { config, findings, facts } = await checkedContext(machine, undefined, undefined);
    if (config === undefined) {
      printFindings(findings, 'stderr');
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
        if (wait !== undefined) printText(`waiting for ${wait.for}, until ${wait.until.toISOString()}`);
      },
    });
    if (degraded !== undefined) throw degraded;
    printText(`Flower ${version} is in ${path}`);
    // The agent starts Flower again when it is to run from another environment.
    const refused = await queueJob('try-restart', 'flower-context.service');
    if (refused !== undefined)
      printErrorText(`the agent was not restarted (${refused}): \`systemctl restart flower-context\``);
    return EXIT.ok;
  },
});
