import { describe, expect, test } from 'vitest';
import {
  bootingAttributes,
  contradictsBooting,
  failedAttributes,
  superNodeAttributes,
} from '../../../src/boot/attributes.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { parseVariables } from '../../../src/config/parse.ts';
import { parseVm } from '../../../src/onegate/replies.ts';

function configOf(role: 'superlink' | 'supernode', variables: Readonly<Record<string, string>> = {}) {
  const parsed = parseVariables(variables, { role, flowerVersion: BAKED_FLOWER, framework: 'none' });
  if (!parsed.ok) throw new Error('defaults are good');
  return parsed.config;
}

describe('the attributes of a VM that does not serve reset all that it may have published before', () => {
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
    const published = { READY: 'NO', FL_ERROR: 'ca_mismatch' };
    expect(failedAttributes('superlink', 'ca_mismatch')).toEqual({
      ...published,
      FL_ROLE: 'superlink',
      FL_READY: 'NO',
    });
    expect(failedAttributes('supernode', 'ca_mismatch')).toEqual({
      ...published,
      FL_ROLE: 'supernode',
      FL_NODE_READY: 'NO',
    });
  });
});

describe('the attributes of a VM on OneGate when its boot begins', () => {
  const shows = (userTemplate: Readonly<Record<string, unknown>>) =>
    parseVm({ VM: { ID: '7', USER_TEMPLATE: userTemplate } });

  test.each([
    ['nothing, as of a new VM', {}],
    ['only what OpenNebula and the operator have put there', { LABELS: 'a', ROLE_NAME: 'supernode' }],
    ['that it does not serve', { READY: 'NO', FL_NODE_READY: 'NO', FL_ERROR: '-', FL_NODE_ID: '7' }],
    ['claims, which say nothing about serving', { FL_PARTITION_ID: '1', FL_NUM_PARTITIONS: '2' }],
  ])('need no reset: %s', (_what, userTemplate) => {
    expect(contradictsBooting(shows(userTemplate), configOf('supernode'))).toBe(false);
  });

  test.each([
    ['READY of an earlier boot', { READY: 'YES' }],
    ['READY in whatever form', { READY: 'yes' }],
    ['that it serves', { FL_NODE_READY: 'YES' }],
    ['a problem of an earlier boot', { FL_ERROR: 'ca_mismatch' }],
    ['the other role, in an image that was saved', { FL_ROLE: 'superlink' }],
    ['another VM, in an image that was saved', { FL_NODE_ID: '6' }],
    ['a name twice, the last of which is YES', { READY: ['NO', 'YES'] }],
  ])('need a reset: %s', (_what, userTemplate) => {
    expect(contradictsBooting(shows(userTemplate), configOf('supernode'))).toBe(true);
  });
});

describe('the one update that opens the gate', () => {
  const attributesFor = (variables: Readonly<Record<string, string>>) => {
    const config = configOf('supernode', variables);
    if (config.role !== 'supernode') throw new Error('the role is another one');
    return superNodeAttributes(config, {
      flowerVersion: BAKED_FLOWER,
      degradedBy: undefined,
      partition: { id: 0, of: 2 },
      gpu: false,
    });
  };

  test('contains READY=YES, so that no second update is needed', () => {
    expect(attributesFor({ REPORT_READY: 'YES' })).toMatchObject({
      READY: 'YES',
      FL_NODE_READY: 'YES',
      FL_PARTITION_ID: '0',
    });
  });

  test('has no READY without REPORT_READY=YES', () => {
    expect(attributesFor({ REPORT_READY: 'NO' })).not.toHaveProperty('READY');
  });
});
