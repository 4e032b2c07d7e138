import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import type { Command } from './command.ts';

declare const FLOWER_CONTEXT_VERSION: string;

export const version: Command = {
  name: 'version',
  summary: 'prints the version of the agent and of the Node.js that runs it',
  args: [],
  options: {},
  examples: [['flower-context version', 'flower-context 0.2.0 (Node.js 24.21.0)']],
  run: async () => {
    print(`flower-context ${FLOWER_CONTEXT_VERSION} (Node.js ${process.versions.node})\n`);
    return EXIT.good;
  },
};
