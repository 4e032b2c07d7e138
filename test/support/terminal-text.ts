// Text that the agent prints for people.
/** The lines of more than 80 columns that could have been broken: not at a space inside a value or a command. */
export const tooWide = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.length > 80)
    .filter((line) => !/^ *(for example|check): /.test(line))
    .filter((line) =>
      line
        .replaceAll(/`[^`]*`/g, (command) => 'x'.repeat(command.length))
        .trim()
        .includes(' '),
    );

/** The text in one line, however it was broken for a terminal. */
export const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
