import './zod.ts';
import { EXIT } from '../core/exit.ts';
import type { Machine } from '../host/machine.ts';
import { print } from '../host/output.ts';
import { didYouMean, invoke } from './command.ts';
import { COMMANDS, overview } from './index.ts';
import { printErrorText } from './terminal.ts';

/** The machine whose root is this folder. */
export type MachineOf = (root: string) => Machine;

/** Arguments -> command -> exit status. `--root DIR` is also accepted before the command. */
async function main(argv: readonly string[], machineOf: MachineOf): Promise<number> {
  if (argv[0] === '--root' && argv.length >= 2)
    return main([...argv.slice(2, 3), '--root', argv[1]!, ...argv.slice(3)], machineOf);
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(overview());
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  const command = COMMANDS.find((one) => one.name === (name === '--version' ? 'version' : name));
  if (command === undefined) {
    const names = COMMANDS.map((one) => one.name);
    printErrorText(
      `flower-context: unknown command '${name}'${didYouMean(name, names)}\nList all commands: flower-context --help`,
    );
    return EXIT.usage;
  }
  return invoke(command, rest, machineOf);
}

/** Runs the command that the process was started with and ends the process with its exit status. */
export function start(machineOf: MachineOf): void {
  main(process.argv.slice(2), machineOf).then(
    (status) => process.exit(status),
    (error: unknown) => {
      printErrorText(
        `flower-context: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      process.exit(EXIT.failed);
    },
  );
}
