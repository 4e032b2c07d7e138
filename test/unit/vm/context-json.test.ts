// What `onevm show` prints, as text and as JSON; and JSON objects of names.
import { describe, expect, test } from 'vitest';
import { knownVariables, parseVariableFile } from '../../../src/vm/context-file.ts';

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
describe('the variables of a VM', () => {
  test.each([
    ['template', SHOWN],
    ['json', JSON.stringify({ VM: { ID: '42', TEMPLATE: { CPU: '1', CONTEXT } } }, null, 2)],
    ['json', JSON.stringify({ VMTEMPLATE: { TEMPLATE: { CONTEXT } } })],
    ['json', JSON.stringify({ TEMPLATE: { CONTEXT } })],
    ['json', JSON.stringify({ CONTEXT })],
    ['json', JSON.stringify({ TEMPLATE: { CONTEXT: [CONTEXT, { TOKEN: 'NO' }] } })],
    ['json', JSON.stringify(CONTEXT)],
  ])('are read from %s', (format, text) => {
    const read = parseVariableFile(text);
    expect(read.format).toBe(format);
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
    expect({ ...knownVariables(parseVariableFile("A='$B'\n")) }).toEqual({ A: '$B' });
    expect({ ...knownVariables(parseVariableFile('A="$B"\nC=1\n')) }).toEqual({ A: '$B', C: '1' });
  });
});

test.each([
  ['{"VM": {"TEMPLATE": {"CPU": "1"}}}', 'there is no TEMPLATE.CONTEXT in it'],
  ['{"A": {"B": "1"}}', 'A is not a text'],
  ['{"A": ', 'it begins like JSON, but is none'],
  ['[1]', 'it is a JSON list, not an object'],
  ['{"name": "x", "roles": []}', 'it is a service template (`flower-context lint` reads those)'],
  ['<VM><TEMPLATE></TEMPLATE></VM>', 'it is XML; use --json instead of --xml'],
])('%s is refused: %s', (text, found) => {
  expect(() => parseVariableFile(text)).toThrow(found);
});
