/** The command line that starts this very program again: interpreter, its options, and the file. */
export const selfCommand = (): readonly string[] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? '',
];

/** Whether a process of this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
