// The attributes that the agent publishes on OneGate. The type requires an entry for each.
import type { PublishedName } from '../../src/onegate/replies.ts';

interface Attribute {
  readonly writer: string;
  readonly value: string;
}

const ATTRIBUTES: Readonly<Record<PublishedName, Attribute>> = {
  FL_ROLE: { writer: 'both', value: '`superlink` or `supernode`' },
  FL_VERSION: { writer: 'both', value: 'the version of Flower that runs, X.Y.Z' },
  FL_READY: {
    writer: 'SuperLink',
    value:
      '`YES` in the same update as FL_ENDPOINT, FL_TLS and FL_CA_CERT; `NO` while a VM that was ready before does not serve',
  },
  FL_ENDPOINT: {
    writer: 'SuperLink',
    value:
      'host:port for SuperNodes; an IPv6 host has no brackets (OneGate removes them), the port follows the last colon',
  },
  FL_ENDPOINT6: {
    writer: 'SuperLink',
    value: 'the same for SuperNodes without IPv4, when FL_ENDPOINT has an IPv4 address; `-` without one',
  },
  FL_TLS: { writer: 'SuperLink', value: '`YES`, `NO`' },
  FL_CA_CERT: { writer: 'SuperLink', value: "base64 of the CA's PEM; `-` in plaintext" },
  FL_NODE_READY: {
    writer: 'SuperNode',
    value:
      '`YES` when the SuperLink has accepted the node; `NO` while a node that was ready before is disconnected',
  },
  FL_NODE_ID: { writer: 'SuperNode', value: 'the id of the VM' },
  FL_PARTITION_ID: { writer: 'SuperNode', value: 'its partition among the nodes of its role, from 0' },
  FL_NUM_PARTITIONS: { writer: 'SuperNode', value: 'the number of partitions' },
  FL_PARTITION_ORDER: {
    writer: 'SuperNode',
    value:
      '`YES`: somebody else has changed attributes of this VM, and its partition follows the order of the VM ids ([security](../security.md)); absent or `NO` otherwise',
  },
  FL_GPU_AVAILABLE: { writer: 'SuperNode', value: '`YES`, `NO`' },
  FL_USE_CASE: { writer: 'SuperNode', value: 'FL_USE_CASE, unless it is `none`' },
  FL_ERROR: {
    writer: 'both',
    value:
      'a [problem code](#problem-codes): why the VM does not serve, or with what restriction; `-` without a problem',
  },
  READY: {
    writer: 'one-context, the agent',
    value:
      '`YES` from the agent in the same update as the other attributes (with REPORT_READY), and from one-context when the ready script succeeds; `NO` from the agent while a VM that was ready before does not serve',
  },
};

/** Markdown of the section. */
export function oneGateReference(): string {
  const rows = Object.entries(ATTRIBUTES).map(
    ([name, { writer, value }]) => `| ${name} | ${writer} | ${value} |`,
  );
  return [
    '## OneGate attributes',
    'The agent sends all attributes of a role in one update. OneFlow opens the ready gate at the first update that contains the text `READY=YES`, `FL_READY=YES` included. The agent sends neither before the role serves. It validates the attributes of other VMs like user input.',
    ['| Attribute | Writer | Value |', '|---|---|---|', ...rows].join('\n'),
  ].join('\n\n');
}
