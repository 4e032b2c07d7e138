// What lies in the folder of the environments, and the names and values of a CONTEXT that a person sees.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { readNodeConfig } from '../../src/config/node-config.ts';
import { mask, mayShow, showValue } from '../../src/config/secrets.ts';
import { ALL_NAMES, namesInContext, rowOf } from '../../src/config/table.ts';
import { imageOf } from '../../src/flower/environment.ts';
import { pathsUnder } from '../../src/host/paths.ts';
import { foreignText } from '../support/foreign-texts.ts';
import { must, type Target, target } from './target.ts';
import { damaged } from './texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'fuzz-environments-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const paths = pathsUnder(folder);
const IMAGE = { role: 'superlink', flower: { version: '1.39.0', framework: 'none' } } as const;

const kind = fc.constantFrom('file', 'directory', 'link to nothing', 'nothing');
const mode = fc.constantFrom(0o755, 0o700, 0o775, 0o777, 0o757);

/** What a build that was cut off, a hostile package or a person may leave. */
const environments = target(
  'environments',
  1,
  fc.record({ complete: kind, incomplete: kind, python: kind, folder: mode, bin: mode, mark: mode }),
  ({ complete, incomplete, python, ...modes }) => {
    const path = join(paths.environments, '1.36.0-none');
    rmSync(path, { recursive: true, force: true });
    mkdirSync(join(path, 'bin'), { recursive: true });
    const make = (what: string, name: string): void => {
      if (what === 'file') writeFileSync(name, '', { mode: 0o755 });
      else if (what === 'directory') mkdirSync(name);
      else if (what === 'link to nothing') symlinkSync('nothing', name);
    };
    make(complete, join(path, '.complete'));
    make(incomplete, join(path, '.incomplete'));
    make(python, join(path, 'bin/python'));
    if (complete === 'file') chmodSync(join(path, '.complete'), modes.mark);
    chmodSync(join(path, 'bin'), modes.bin);
    chmodSync(path, modes.folder);
    const safe = Object.values(modes).every((one) => (one & 0o022) === 0);
    const marked = complete === 'file' && (incomplete === 'nothing' || incomplete === 'link to nothing');
    const whole = safe && marked && (python === 'file' || python === 'directory');
    must(imageOf(IMAGE, paths).installed?.includes('1.36.0-none') === whole, 'only a complete one counts');
  },
);
mkdirSync(dirname(paths.environments), { recursive: true });

const OWN = ALL_NAMES.flatMap(namesInContext);
/** What OpenNebula and one-context name, written here a second time on purpose. */
const OTHERS = [
  'DISK_ID',
  'TARGET',
  'NAME',
  'HOSTNAME',
  'SET_HOSTNAME',
  'DNS_HOSTNAME',
  'DOMAIN',
  'DNS',
  'SEARCH_DOMAIN',
];
const MORE = [
  'NETCFG_TYPE',
  'TIMEZONE',
  'GROW_FS',
  'GROW_ROOTFS',
  'ETH0_IP',
  'ETH12_VROUTER_MANAGEMENT',
  'ETH0_ALIAS1_MAC',
];
const KNOWN = new Set([...OWN, ...OTHERS, ...MORE]);
const SECRET = 'Zx9-hunter2';

const masks = target(
  'values that a person sees',
  4,
  fc.tuple(
    fc.oneof(
      fc.constantFrom(...KNOWN),
      damaged([...KNOWN], ['_', 'X', 'ONEAPP_', 'FL_', 'ETH0_', 'PASSWORD']),
      foreignText,
    ),
    fc.oneof(
      fc.constantFrom(
        SECRET,
        `user:${SECRET}@host`,
        `http://u:${SECRET}@h/`,
        `a=1 b=${SECRET}`,
        `password=${SECRET}`,
      ),
      damaged(
        [`site=a code=${SECRET}`, `http://user:${SECRET}@host:1/`],
        [' ', '=', '@', ':', '"', '/', SECRET],
      ),
    ),
  ),
  ([name, value]) => {
    if (value !== '' && !KNOWN.has(name) && !/^ETH\d+_/.test(name))
      must(!mayShow(name, value), 'an unknown name is masked');
    const masked = mask(name, value);
    must(/^\(masked, \d+ characters(; keys: [\w., -]+)?\)$/.test(masked), 'a mask has a length and keys');
    const pairs = readNodeConfig(value);
    if (masked.includes(SECRET))
      must(pairs.ok && pairs.value.some(([key]) => key.includes(SECRET)), 'only a key is shown');
    if (!value.includes(SECRET)) return;
    for (const own of ALL_NAMES.filter((one) =>
      ['list', 'boolean', 'number', 'number-float'].includes(rowOf(one).input),
    ))
      must(
        !showValue(own, value).includes(SECRET) && !mayShow(own, value),
        'a password in the wrong field is masked',
      );
  },
);

export const inFolders: readonly Target[] = [environments, masks];
