import { expect, test } from 'vitest';
import { asksDns, namesFromContext, withHostPart } from '../../../src/vm/host-names.ts';

// What `sed -e 's/[^-a-zA-Z0-9\.]/-/g' -e 's/^-*//g' -e 's/-*$//g'` and `${name%%.*}` make of them under LANG=C.
test.each([
  ['superlink-42', ['superlink-42']],
  ['web7.example.org', ['web7.example.org', 'web7']],
  ['my super link', ['my-super-link']],
  ['  spaced  ', ['spaced']],
  ['under_score', ['under-score']],
  ['-a-', ['a']],
  ['süd', ['s--d']],
  ["o'brien; rm -rf /", ['o-brien--rm--rf']],
  ['Name.', ['Name.', 'Name']],
  ['.', ['.']],
  ['---', []],
  ['', []],
])('SET_HOSTNAME=%j gives %j', (SET_HOSTNAME, names) =>
  expect(namesFromContext({ SET_HOSTNAME })).toEqual(names),
);

test('DNS is asked only when there is no SET_HOSTNAME', () => {
  expect(asksDns({ DNS_HOSTNAME: 'YES' })).toBe(true);
  expect(asksDns({ DNS_HOSTNAME: 'YES', SET_HOSTNAME: 'a' })).toBe(false);
  expect(asksDns({ DNS_HOSTNAME: 'YES', SET_HOSTNAME: '---' })).toBe(false);
  expect(asksDns({ DNS_HOSTNAME: '' })).toBe(false);
  expect(asksDns({})).toBe(false);
});

test('a name without a domain occurs once', () => expect(withHostPart('flower')).toEqual(['flower']));
