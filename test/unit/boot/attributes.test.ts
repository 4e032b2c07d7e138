import { describe, expect, test } from 'vitest';
import { bootingAttributes, failedAttributes } from '../../../src/boot/attributes.ts';
import { parseVariables } from '../../../src/params/parse.ts';

function configOf(role: 'superlink' | 'supernode') {
  const parsed = parseVariables({}, { role, flowerVersion: '1.39.0', framework: 'none' });
  if (!parsed.ok) throw new Error('defaults are good');
  return parsed.config;
}

describe('what a VM says while it does not serve takes back all that it may have said before', () => {
  test('at the start of a boot', () => {
    expect(bootingAttributes(configOf('superlink'), 7)).toEqual({
      READY: 'NO',
      FL_ROLE: 'superlink',
      FL_READY: 'NO',
      FL_ERROR: '-',
    });
    expect(bootingAttributes(configOf('supernode'), 7)).toEqual({
      READY: 'NO',
      FL_ROLE: 'supernode',
      FL_NODE_READY: 'NO',
      FL_NODE_ID: '7',
      FL_ERROR: '-',
    });
  });

  test('when the boot failed', () => {
    const told = { READY: 'NO', FL_ERROR: 'ca_mismatch' };
    expect(failedAttributes('superlink', 'ca_mismatch')).toEqual({
      ...told,
      FL_ROLE: 'superlink',
      FL_READY: 'NO',
    });
    expect(failedAttributes('supernode', 'ca_mismatch')).toEqual({
      ...told,
      FL_ROLE: 'supernode',
      FL_NODE_READY: 'NO',
    });
  });
});
