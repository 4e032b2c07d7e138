// `make bench-scale`: what a large role of SuperNodes costs OneGate.
//
// 1 to 1,000 agents boot in the same instant against oned's limits, twice: on made-up time, as if each VM had its own
// processor, which is what OneGate would see (scale-story.ts); and on real sockets and in real time, to show that nothing
// in between was made up (scale-boot.ts) - but there all agents share this machine's processor, and where the time it
// needed comes near to the whole, the machine was slower than oned (up to 300 nodes, therefore). Then, on made-up time,
// OneGate is away for five minutes. In all of it no thousand Node processes and no Flower: the real boot in one process,
// its two steps that talk to systemd replaced (test/support/light-vm.ts).
//
// DOCS=1 writes docs/scale.md and docs/scale.svg; SIZES="1 10" measures fewer, PARTS="settled" only a part.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type BootRow, bootAtOnce } from './scale-boot.ts';
import { chart } from './scale-chart.ts';
import { ONED, ONED_PER_SECOND } from './scale-limits.ts';
import { type OutageRow, outage, type TogetherRow, together } from './scale-story.ts';

const SIZES = (process.env['SIZES'] ?? '1 10 100 300 1000').split(/\s+/).map(Number);
/** Of more agents on one processor the processor would be measured. */
const MOST_ON_SOCKETS = 300;
const DOCS = resolve(import.meta.dirname, '../../docs');
const PARTS = (process.env['PARTS'] ?? 'together sockets settled booting').split(/\s+/);

// No systemctl here that answers for these VMs.
process.env['PATH'] = '';
process.setMaxListeners(0);

const lines: string[] = [];
function say(line = ''): void {
  lines.push(line);
  process.stdout.write(`${line}\n`);
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  for (const row of all) say(row.map((cell, column) => cell.padStart(widths[column]!)).join('   '));
  say();
}

const one = (value: number): string => value.toFixed(1);
const misses: string[] = [];
const wanted = (holds: boolean, what: string): void => {
  if (!holds) misses.push(what);
};

function togetherTable(rows: readonly TogetherRow[]): void {
  say(
    'All SuperNodes boot in the same instant: seconds until they are published, Flower taking 1 to 1.5 of them',
  );
  say(
    `(OneGate serves ${ONED.concurrent} requests at a time, ${ONED.ms} ms each: ${ONED_PER_SECOND} a second)`,
  );
  say();
  table(
    [
      'nodes',
      'half',
      'last',
      'requests per node',
      'at most',
      'in all, as seconds of OneGate',
      'peak requests/s',
    ],
    rows.map((row) => [
      row.nodes,
      one(row.half),
      one(row.published),
      one(row.requestsPerNode.mean),
      row.requestsPerNode.most,
      one((row.requestsPerNode.mean * row.nodes) / ONED_PER_SECOND),
      Math.round(row.peakPerSecond),
    ]),
  );
  for (const row of rows) {
    wanted(row.failed === 0, `${row.failed} of ${row.nodes} boots failed`);
    wanted(!Number.isNaN(row.published), `not all of ${row.nodes} nodes were published within two minutes`);
    wanted(
      row.requestsPerNode.most <= 6,
      `${row.requestsPerNode.most} requests of a node at ${row.nodes} nodes`,
    );
  }
}

function socketsTable(rows: readonly BootRow[]): void {
  say('The same over real sockets until READY, all agents on one processor of this machine');
  say();
  table(
    [
      'nodes',
      'half',
      'last',
      'requests per node',
      'at most',
      'peak requests/s',
      'longest queue',
      'slowest answer ms',
      'processor s',
      'failed',
    ],
    rows.map((row) => [
      row.nodes,
      one(row.half),
      one(row.published),
      one(row.requestsPerNode.mean),
      row.requestsPerNode.most,
      Math.round(row.peakPerSecond),
      row.longestQueue,
      row.longestAnswerMs,
      one(row.processor),
      row.failed,
    ]),
  );
  for (const row of rows) {
    wanted(row.failed === 0, `${row.failed} of ${row.nodes} boots failed over sockets`);
    wanted(
      row.requestsPerNode.most <= 6,
      `${row.requestsPerNode.most} requests of a node at ${row.nodes} nodes`,
    );
  }
}

function settledTable(rows: readonly OutageRow[]): void {
  say('OneGate is away for five minutes while the role is settled: requests a second, over ten seconds');
  say();
  table(
    [
      'nodes',
      'before',
      'peak before',
      'while away',
      'peak after',
      'of steady',
      'peak in one second',
      'VM lookups/s after',
    ],
    rows.map((row) => [
      row.nodes,
      row.steady.toFixed(2),
      one(row.steadyPeak),
      row.knocks.toFixed(2),
      one(row.peak),
      row.nodes < 100 ? '-' : `${one(row.peak / row.steady)} x`,
      row.peakSecond,
      Math.round(row.lookups),
    ]),
  );
  say('(of a few nodes every single request is a peak: the factor is said from 100 nodes on)');
  say();
  for (const row of rows.filter(({ nodes }) => nodes >= 100))
    wanted(
      row.peak <= 2 * row.steady,
      `stampede of ${one(row.peak / row.steady)} x the steady rate at ${row.nodes} nodes`,
    );
}

function bootingTable(rows: readonly OutageRow[]): void {
  say(
    'OneGate is away for the first five minutes of a boot of all nodes at once: requests a second, over ten seconds',
  );
  say();
  table(
    [
      'nodes',
      'while away',
      'peak after',
      'peak in one second',
      'share of what OneGate serves',
      'last published after s',
    ],
    rows.map((row) => [
      row.nodes,
      row.knocks.toFixed(2),
      one(row.peak),
      row.peakSecond,
      `${Math.round((100 * row.peak) / ONED_PER_SECOND)} %`,
      Math.round(row.published),
    ]),
  );
  for (const row of rows) {
    wanted(!Number.isNaN(row.published), `not all of ${row.nodes} nodes came up after the outage`);
    wanted(
      row.peak <= ONED_PER_SECOND / 2,
      `${one(row.peak)} requests a second after the outage at ${row.nodes} nodes`,
    );
  }
}

// A thousand folders of small files, synced to a disk by one process, would measure the disk.
const memory = '/dev/shm';
const dir = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'flower-scale-'));
try {
  const measure = async <T>(
    part: string,
    run: (nodes: number) => Promise<T>,
    sizes: readonly number[] = SIZES,
  ): Promise<T[]> => {
    const rows: T[] = [];
    for (const nodes of PARTS.includes(part) ? sizes : []) rows.push(await run(nodes));
    return rows;
  };
  const boots = await measure('together', (nodes) => together(nodes, dir));
  if (boots.length > 0) togetherTable(boots);
  const few = SIZES.filter((nodes) => nodes <= MOST_ON_SOCKETS);
  const sockets = await measure('sockets', (nodes) => bootAtOnce(nodes, dir), few);
  if (sockets.length > 0) socketsTable(sockets);
  const settled = await measure('settled', (nodes) => outage(nodes, 'settled', dir));
  if (settled.length > 0) settledTable(settled);
  const booting = await measure('booting', (nodes) => outage(nodes, 'booting', dir));
  if (booting.length > 0) bootingTable(booting);
  for (const miss of misses) say(`MISSED: ${miss}`);
  if (process.env['DOCS'] !== undefined) {
    writeFileSync(join(DOCS, 'scale.svg'), chart(boots, settled));
    writeFileSync(join(DOCS, 'scale.md'), page(lines));
  }
  process.exitCode = misses.length > 0 ? 1 : 0;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function page(printed: readonly string[]): string {
  return `# Scale

What a large role of SuperNodes costs OneGate, as \`make bench-scale\` printed it.

![The time until the last of N nodes is published, and the requests a second around an outage](scale.svg)

\`\`\`
${printed.join('\n').trim()}
\`\`\`

How it is measured, and what is not real in it, stands at the head of \`test/bench/scale.ts\`: the boots are real ones, in
one process and without Flower, on made-up time and once more over real sockets; the outages run on made-up time.

What keeps it so: a boot asks five times until READY, once more later for the claims of its peers; all waits have jitter;
looks of a settled role come at most ten a second for all nodes together (\`src/discovery/partition-keeper.ts\`), and what
costs a lookup per VM is spread over the square of the number of nodes. A role of 1,000 therefore takes some seventeen
minutes until each node has read once what the others claim, and as long to agree after it was scaled.
`;
}
