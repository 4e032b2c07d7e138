import { EXIT } from '../core/exit.ts';
import { lint as lintText } from '../templates/lint/lint.ts';
import { TOPOLOGY_NAMES } from '../templates/topology.ts';
import { defineCommand } from './command.ts';
import { readInput } from './context-source.ts';
import { printLint } from './findings.ts';
import { printJson, printText } from './terminal.ts';

export const lint = defineCommand({
  name: 'lint',
  summary: 'Find errors in a OneFlow service template before a VM is started',
  args: ['FILE'],
  options: {
    json: { description: 'print the findings as one JSON object' },
    as: {
      description: 'kind of the template (default: from its name and its roles)',
      value: TOPOLOGY_NAMES.join('|'),
      choices: TOPOLOGY_NAMES,
    },
  },
  text: [
    'FILE is a service template of OpenNebula 6 or 7, or a list of those. It may be the output of `oneflow-template show --json` or of the REST API, or the file of the Terraform provider. - is standard input.',
    'Each finding has a code, a path in the file and a reason. Most have a line that corrects the template. The exit status is 1 when there is a finding.',
  ].join('\n\n'),
  examples: [
    ['flower-context lint federation.json', 'Print all findings'],
    ['oneflow-template show --json 7 | flower-context lint -', 'Check a registered template'],
    ['flower-context lint --as coordinator --json coordinator.json', 'Check a template in a pipeline'],
  ],
  async run({ args, flag, value }) {
    const file = args[0]!;
    const named = TOPOLOGY_NAMES.find((name) => name === value('as'));
    const { format, topology, findings } = lintText(readInput(file).toString('utf8'), named);
    const label = file === '-' ? 'stdin' : file;
    if (flag('json')) printJson({ file: label, form: format ?? null, kind: topology ?? null, findings });
    else if (findings.length === 0)
      printText(
        `${label}: no findings (a ${topology ?? 'service'} template ${topology === undefined ? 'without a Flower role, ' : ''}in the format of OpenNebula ${format})`,
      );
    else {
      for (const finding of findings) printLint(label, finding, 'stdout');
      printText(`${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`);
    }
    return findings.length === 0 ? EXIT.ok : EXIT.failed;
  },
});
