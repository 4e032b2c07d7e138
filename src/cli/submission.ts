// The input and the output of Flower's own command. Pure.
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { plain } from '../core/text.ts';
import { UsageError } from './command.ts';

/** A setting of a run: its key, and its value as TOML. */
export type RunSetting = readonly [key: string, toml: string];

/** The settings in a flat TOML file of the agent. */
export const readRunConfig = (text: string): RunSetting[] =>
  [...text.matchAll(/^([A-Za-z0-9_.-]+) = (.+)$/gm)].map(([, key, value]): RunSetting => [key!, value!]);

export const formatRunConfig = (settings: readonly RunSetting[]): string =>
  settings.map(([key, value]) => `${key} = ${value}\n`).join('');

/**
 * Separates `--run-config 'k=v ...'`, the settings of the caller, from the other arguments after `--`: Flower takes a file
 * or single settings, not both. Throws UsageError.
 */
export function readPassedOn(args: readonly string[]): { rest: string[]; settings: RunSetting[] } {
  const rest: string[] = [];
  const settings: RunSetting[] = [];
  for (let at = 0; at < args.length; at++) {
    const [name, attached] = args[at]!.split(/=(.*)/s) as [string, string | undefined];
    if (name === '--format' || name === '--stream')
      throw new UsageError(`${name} cannot be passed on: submit follows the run itself`);
    if (name !== '--run-config' && name !== '-c') {
      rest.push(args[at]!);
      continue;
    }
    const text = attached ?? args[++at] ?? '';
    if (text.endsWith('.toml'))
      throw new UsageError('--run-config takes single settings here (\'key=value key2="text"\'), not a file');
    const found = [...text.matchAll(/(\S+?)=('[^']*'|"[^"]*"|\S+)/g)].map(
      ([, key, value]): RunSetting => [key!, value!],
    );
    if (found.length === 0) throw new UsageError(`--run-config '${text}' has no key=value`);
    settings.push(...found);
  }
  return { rest, settings };
}

/** Prints the flattened keys of [tool.flwr.app.config] as JSON: Flower compares the settings of a run with them. */
export const DECLARED_KEYS_PY = `import json, sys, tomllib
def flat(table, prefix=''):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, prefix + key + '.')
        else:
            yield prefix + key
with open(sys.argv[1], 'rb') as file:
    app = tomllib.load(file).get('tool', {}).get('flwr', {}).get('app', {})
print(json.dumps(list(flat(app.get('config', {})))))
`;

/** The id of the run in a line of `flwr run`. */
export const runIdIn = (line: string): string | undefined => /Successfully started run (\d+)/.exec(line)?.[1];

const text = z.lazy(() => z.union([z.string(), z.number()]).transform((given) => plain(String(given))));

const RUNS = z.lazy(() =>
  z.object({
    runs: z.array(
      z.object({
        'run-id': text,
        /** pending, starting, running, finished:completed, finished:failed, finished:stopped. */
        status: text,
        /** Flower writes N/A for none. */
        'status-details': text.transform((given) => (given === 'N/A' ? '' : given)).catch(''),
        /** Seconds. */
        elapsed: z.number().optional().catch(undefined),
      }),
    ),
  }),
);

export type RunState = z.infer<typeof RUNS>['runs'][number];

/** The runs in the output of `flwr list --format json`; none when it is not such a list. */
export const runsIn = (output: string): RunState[] =>
  parseJson(output.slice(output.indexOf('{')), RUNS)?.runs ?? [];

/** The run in the output of `flwr list --run-id ID --format json`; undefined when it is not there. */
export const runStateIn = (output: string, id: string): RunState | undefined =>
  runsIn(output).find((run) => run['run-id'] === id);
