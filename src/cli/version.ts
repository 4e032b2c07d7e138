import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { defineCommand } from './command.ts';

declare const FLOWER_CONTEXT_VERSION: string;

export const version = defineCommand({
  name: 'version',
  summary: 'Print the version of the agent and of its Node.js',
  args: [],
  options: {},
  examples: [['flower-context version', 'Prints flower-context 0.2.0 (Node.js 24.21.0)']],
  run: async () => {
    print(`flower-context ${FLOWER_CONTEXT_VERSION} (Node.js ${process.versions.node})\n`);
    return EXIT.ok;
  },
});
