import './cli/zod.ts';
import { EXIT, invoke } from './cli/command.ts';
import { COMMANDS, overview } from './cli/index.ts';
import { print, printError } from './host/output.ts';

/** argv -> command -> exit status. `--root DIR` may also stand before the command. */
async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === '--root' && argv.length >= 2)
    return main([...argv.slice(2, 3), '--root', argv[1]!, ...argv.slice(3)]);
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(overview());
    return name === undefined ? EXIT.usage : EXIT.good;
  }
  const command = COMMANDS.find((one) => one.name === (name === '--version' ? 'version' : name));
  if (command === undefined) {
    printError(`flower-context: there is no command '${name}'; 'flower-context --help' lists them\n`);
    return EXIT.usage;
  }
  return invoke(command, rest);
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    printError(
      `flower-context: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(EXIT.failed);
  },
);
