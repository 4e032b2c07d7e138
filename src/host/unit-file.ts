// The sandbox that the files of a unit describe.

/**
 * How a unit starts and ends, its streams, and what can have secrets in it: an argument is visible to every user. The rest of
 * the section Service is its sandbox.
 */
const NOT_SANDBOX =
  /^(Type|NotifyAccess|Exec\w+|Restart\w*|SuccessExitStatus|Timeout\w+|Watchdog\w+|KillMode|Standard\w+|Environment|\w*Credential\w*)=/;

/** The sandbox in the files of a unit, as `systemctl cat` prints them: settings in their order. */
export const sandboxSettings = (text: string): string[] =>
  serviceSettings(text).filter((setting) => !NOT_SANDBOX.test(setting));

/** The variables that `Environment=` sets in the files of a unit: systemd.exec(5). Of specifiers only `%%` is replaced. */
export function environmentSettings(text: string): Record<string, string> {
  const variables = new Map<string, string>();
  for (const setting of serviceSettings(text)) {
    if (!setting.startsWith('Environment=')) continue;
    const value = setting.slice('Environment='.length);
    if (value === '') variables.clear();
    for (const [word] of value.matchAll(/(?:"(?:\\.|[^"])*"|'(?:\\.|[^'])*'|\\.|[^\s"'])+/g)) {
      const [, name, rest] = /^(\w+)=(.*)$/s.exec(word.replaceAll(PARTS, unquoted)) ?? [];
      if (name !== undefined) variables.set(name, rest!.replaceAll('%%', '%'));
    }
  }
  return Object.fromEntries(variables);
}

const PARTS = /"((?:\\.|[^"])*)"|'((?:\\.|[^'])*)'|((?:\\.|[^\s"'])+)/g;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', s: ' ' };
const unquoted = (_part: string, double?: string, single?: string, bare?: string): string =>
  (double ?? single ?? bare ?? '').replaceAll(/\\(.)/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped);

function serviceSettings(text: string): string[] {
  let section = '';
  const settings: string[] = [];
  for (const line of text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())) {
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
    if (section === 'Service' && /^\w+=/.test(line)) settings.push(line);
  }
  return settings;
}
