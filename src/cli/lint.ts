import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { lint as lintText } from '../templates/lint/lint.ts';
import { TOPOLOGY_NAMES } from '../templates/topology.ts';
import { defineCommand } from './command.ts';
import { readInput } from './context-source.ts';
import { describeLint } from './findings.ts';

export const lint = defineCommand({
  name: 'lint',
  summary: 'finds what goes wrong with a OneFlow service template, before a VM is started',
  args: ['FILE'],
  options: {
    json: { description: 'the findings as one JSON object' },
    as: {
      description: 'what the template is meant to be (default: its name and its roles tell)',
      value: TOPOLOGY_NAMES.join('|'),
      choices: TOPOLOGY_NAMES,
    },
  },
  text: 'Takes templates of OpenNebula 6 and 7, what `oneflow-template show --json` and the REST API print, the file of the\nTerraform provider, and lists of those; - is standard input. Each finding has a code, its line in the file, why it hurts, and the line that mends it. Exit status 1 when there is one.',
  examples: [
    ['flower-context lint federation.json', 'all findings in one run'],
    ['oneflow-template show --json 7 | flower-context lint -', 'a template that is registered already'],
    ['flower-context lint --as coordinator --json coordinator.json', 'for a pipeline'],
  ],
  async run({ args, flag, value }) {
    const file = args[0]!;
    const bytes = readInput(file);
    const site = TOPOLOGY_NAMES.find((name) => name === value('as'));
    const { form, site: taken, findings } = lintText(bytes.toString('utf8'), site);
    const shown = file === '-' ? 'stdin' : file;
    if (flag('json'))
      print(
        `${JSON.stringify({ file: shown, form: form ?? null, kind: taken ?? null, findings }, null, 2)}\n`,
      );
    else if (findings.length === 0)
      print(
        `${shown}: no findings (a ${taken ?? 'service'} template ${taken === undefined ? 'without a Flower role, ' : ''}in the form of OpenNebula ${form})\n`,
      );
    else {
      for (const finding of findings) print(`${describeLint(shown, finding)}\n`);
      print(`${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}\n`);
    }
    return findings.length === 0 ? EXIT.good : EXIT.failed;
  },
});
