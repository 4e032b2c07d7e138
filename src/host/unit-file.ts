// The sandbox that the files of a unit describe.

/** How a unit starts and ends, and its streams. The rest of the section Service is its sandbox. */
const NOT_SANDBOX =
  /^(Type|NotifyAccess|Exec\w+|Restart\w*|SuccessExitStatus|Timeout\w+|WatchdogSec|KillMode|Standard\w+)=/;

/** The sandbox in the files of a unit, as `systemctl cat` prints them: settings in their order. */
export function sandboxSettings(text: string): string[] {
  let section = '';
  const settings: string[] = [];
  for (const line of text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())) {
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
    if (section === 'Service' && /^\w+=/.test(line) && !NOT_SANDBOX.test(line)) settings.push(line);
  }
  return settings;
}
