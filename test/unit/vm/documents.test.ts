// What `onevm show` prints: as text, JSON and XML; and JSON objects of names.
import { describe, expect, test } from 'vitest';
import { knownVariables, parseContextFile, parseVariableFile } from '../../../src/vm/context-file.ts';

const CONTEXT = { FL_NUM_ROUNDS: '3', NOTE: 'a "b" <c> & d', TOKEN: 'YES' };

const SHOWN = `\x1b[1mVIRTUAL MACHINE 42 INFORMATION                                                  \x1b[0m
ID                  : 42
NAME                : supernode_0_(service_7)

VIRTUAL MACHINE HISTORY
 SEQ UID  REQ   HOST         ACTION       DS           START        TIME     PROLOG

USER TEMPLATE
CONTEXT=[ FL_NUM_ROUNDS="99" ]
HYPERVISOR="kvm"

VIRTUAL MACHINE TEMPLATE
AUTOMATIC_REQUIREMENTS="(CLUSTER_ID = 0) & !(PUBLIC_CLOUD = YES)"
CONTEXT=[
  FL_NUM_ROUNDS="3",
  NOTE="a \\"b\\" <c> & d",
  TOKEN="YES" ]
CPU="1"
`;
const XML = `<?xml version="1.0"?>
<VM><ID>42</ID><USER_TEMPLATE><CONTEXT><TOKEN><![CDATA[NO]]></TOKEN></CONTEXT></USER_TEMPLATE>
<TEMPLATE><!-- <CONTEXT> --><CPU><![CDATA[1]]></CPU><CONTEXT>
  <FL_NUM_ROUNDS><![CDATA[3]]></FL_NUM_ROUNDS>
  <NOTE>a &quot;b&#34; &lt;c> &amp; d</NOTE><TOKEN><![CDATA[YES]]></TOKEN>
</CONTEXT></TEMPLATE></VM>`;

describe('the variables of a VM', () => {
  test.each([
    ['shown', SHOWN],
    ['xml', XML],
    ['json', JSON.stringify({ VM: { ID: '42', TEMPLATE: { CPU: '1', CONTEXT } } }, null, 2)],
    ['json', JSON.stringify({ VMTEMPLATE: { TEMPLATE: { CONTEXT } } })],
    ['json', JSON.stringify({ TEMPLATE: { CONTEXT } })],
    ['json', JSON.stringify({ CONTEXT })],
    ['json', JSON.stringify({ TEMPLATE: { CONTEXT: [CONTEXT, { TOKEN: 'NO' }] } })],
    ['json', JSON.stringify(CONTEXT)],
  ])('are read from %s', (form, text) => {
    const read = parseVariableFile(text);
    expect(read.form).toBe(form);
    expect({ ...read.variables }).toEqual(CONTEXT);
  });

  test('are texts, whatever JSON has', () => {
    const text = '{"FL_NUM_ROUNDS": 3, "FL_GPU_ENABLED": null, "A": true, "__proto__": "x"}';
    expect(parseVariableFile(text).variables).toEqual(
      Object.assign(Object.create(null), {
        FL_NUM_ROUNDS: '3',
        FL_GPU_ENABLED: '',
        A: 'true',
        ['__proto__']: 'x',
      }),
    );
  });

  test('that oned fills in are not known yet', () => {
    const text =
      '{"FL_SUPERLINK_ADDRESS": "$NETWORK[IP, NETWORK=\\"a\\"]:9092", "NOTE": "5 \\\\$x", "ID": "$VMID"}';
    const read = parseVariableFile(text);
    expect([...read.open].sort()).toEqual(['FL_SUPERLINK_ADDRESS', 'ID']);
    expect({ ...knownVariables(read) }).toEqual({ FL_SUPERLINK_ADDRESS: '', NOTE: '5 \\$x', ID: '' });
  });

  test('are as they are where nothing is filled in any more', () => {
    expect({ ...parseContextFile("A='$B'\n") }).toEqual({ A: '$B' });
    expect({ ...parseContextFile('A="$B"\nC=1\n') }).toEqual({ A: '$B', C: '1' });
  });
});

test.each([
  ['{"VM": {"TEMPLATE": {"CPU": "1"}}}', 'there is no TEMPLATE.CONTEXT in it'],
  ['{"A": {"B": "1"}}', 'A is not a text'],
  ['{"A": ', 'it is not JSON, although it begins like it'],
  ['[1]', 'it is a JSON list, not an object'],
  ['{"name": "x", "roles": []}', 'it is a service template (`flower-context lint` reads those)'],
  ['<VM><TEMPLATE></TEMPLATE></VM>', 'there is no TEMPLATE/CONTEXT in it'],
  ['<VM><TEMPLATE></VM>', '</VM> closes what is not open'],
  ['<VM><TEMPLATE><CONTEXT>', '<VM> is never closed'],
])('%s is refused: %s', (text, found) => {
  expect(() => parseVariableFile(text)).toThrow(found);
});
