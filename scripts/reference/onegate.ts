// What the agent publishes on OneGate. The type makes this list as long as the agent's own.
import type { PublishedName } from '../../src/onegate/replies.ts';

interface Attribute {
  readonly writer: string;
  readonly value: string;
}

const ATTRIBUTES: Readonly<Record<PublishedName, Attribute>> = {
  FL_ROLE: { writer: 'both', value: '`superlink` or `supernode`' },
  FL_VERSION: { writer: 'both', value: 'the Flower that really runs, X.Y.Z' },
  FL_READY: {
    writer: 'SuperLink',
    value:
      '`YES` in the same update as FL_ENDPOINT, FL_TLS and FL_CA_CERT; `NO` while a VM that has published `YES` before does not serve',
  },
  FL_ENDPOINT: {
    writer: 'SuperLink',
    value:
      'host:port that SuperNodes dial; an IPv6 host without brackets (they do not survive OneGate), the port behind the last colon',
  },
  FL_TLS: { writer: 'SuperLink', value: '`YES`, `NO`' },
  FL_CA_CERT: { writer: 'SuperLink', value: "base64 of the CA's PEM; `-` in plaintext" },
  FL_NODE_READY: {
    writer: 'SuperNode',
    value:
      '`YES` when the SuperLink has accepted the node; `NO` while a VM that has published `YES` before does not take part',
  },
  FL_NODE_ID: { writer: 'SuperNode', value: "the VM's number" },
  FL_PARTITION_ID: { writer: 'SuperNode', value: 'its place among the nodes of its role, from 0' },
  FL_NUM_PARTITIONS: { writer: 'SuperNode', value: 'how many places there are' },
  FL_GPU_AVAILABLE: { writer: 'SuperNode', value: '`YES`, `NO`' },
  FL_USE_CASE: { writer: 'SuperNode', value: 'FL_USE_CASE, unless it is `none`' },
  FL_ERROR: {
    writer: 'both',
    value:
      'a [problem code](#problem-codes): why it does not serve, or what it serves without; `-` when there is none',
  },
  READY: {
    writer: 'one-context, the agent',
    value:
      '`YES` from the agent in the same update as the rest (with REPORT_READY), and from one-context once the ready script succeeds; `NO` from the agent while a VM that was ready before does not serve',
  },
};

/** Markdown of the section. */
export function oneGateReference(): string {
  const rows = Object.entries(ATTRIBUTES).map(
    ([name, { writer, value }]) => `| ${name} | ${writer} | ${value} |`,
  );
  return [
    '## OneGate attributes',
    "Everything a role needs is sent in one update. OneFlow opens the ready gate at the first update that contains `READY=YES` anywhere, `FL_READY=YES` included, so nothing of the kind is sent before the role serves. What other VMs publish is checked like an operator's input.",
    ['| Attribute | Writer | Value |', '|---|---|---|', ...rows].join('\n'),
  ].join('\n\n');
}
