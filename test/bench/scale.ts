// `make bench-scale`: what a large role of SuperNodes costs OneGate.
//
// OneGate is a double that takes 5 ms for each call to oned and does one at a time; how many calls a request costs is in
// test/support/onegate/oned-calls.ts. 1 to 1,000 agents boot in the same instant, twice: on simulated time, each VM with
// its own processor, which is what OneGate would see (scale-scenario.ts); and on real sockets and in real time
// (scale-boot.ts), where all agents share this machine's processor (up to 300 nodes, therefore). Then, on simulated time,
// OneGate is away for five minutes. There are no thousand Node processes and no Flower: the real boot in one process, its two
// steps that talk to systemd replaced (test/support/light-vm.ts). Last, how long a role takes to agree on its partitions, in
// 1,000 simulated lives (test/support/partition-scenario.ts; `make bench-partitions` is that part alone).
//
// DOCS=1 writes docs/scale.md and docs/scale.svg; SIZES="1 10" measures fewer, PARTS="settled" only a part.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ONED_CALLS, ONED_MS_PER_CALL } from '../support/onegate/oned-calls.ts';
import type { Outcome } from '../support/partition-scenario.ts';
import { type BootRow, bootAtOnce } from './scale-boot.ts';
import { chart } from './scale-chart.ts';
import { doAll, type Job } from './scale-jobs.ts';
import { ONED_CALLS_PER_SECOND } from './scale-limits.ts';
import type { OutageRow, TogetherRow } from './scale-scenario.ts';

const SIZES = (process.env['SIZES'] ?? '1 10 30 60 100 300 1000').split(/\s+/).map(Number);
/** Of more agents on one processor the processor would be measured. */
const MOST_ON_SOCKETS = 300;
/** Up to so many nodes oned answers all that boot at once within the five seconds after which an agent asks again. */
const MOST_WITHOUT_REPEATS = 100;
/** Requests a second after an outage, over ten seconds, as a multiple of the steady rate. */
const MOST_AFTER_OUTAGE = 2;
/** Requests of a SuperNode until READY, the report of one-context counted in. */
const MOST_REQUESTS = 6;
const DOCS = resolve(import.meta.dirname, '../../docs');
const PARTS = (process.env['PARTS'] ?? 'together sockets settled booting partitions').split(/\s+/);
/** As many simulated lives as the test runs (test/simulation/partition-simulation.test.ts), and in so many processes. */
const SEEDS = Number(process.env['SEEDS'] ?? 1_000);
const SEEDS_AT_A_TIME = 125;

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

const seconds = (calls: number): string => one(calls / ONED_CALLS_PER_SECOND);
const percent = (callsPerSecond: number): string =>
  `${((100 * callsPerSecond) / ONED_CALLS_PER_SECOND).toFixed(callsPerSecond < ONED_CALLS_PER_SECOND / 10 ? 1 : 0)} %`;

function callsTable(): void {
  say('Calls to oned for each request (of these, by OneFlow; N: SuperNodes of a service with one SuperLink)');
  say();
  table(
    ['request', 'calls', 'by OneFlow'],
    Object.entries(ONED_CALLS).map(([request, { calls, ofOneFlow, perVm }]) => [
      request,
      perVm ? `${calls + 1} + N` : calls,
      ofOneFlow,
    ]),
  );
}

function togetherTable(rows: readonly TogetherRow[]): void {
  say(
    'All SuperNodes boot in the same instant: seconds until they are published, Flower taking 1 to 1.5 of them;',
  );
  say('requests and calls to oned until READY, and readings of all claims in the 15 minutes after');
  say();
  table(
    [
      'nodes',
      'half',
      'last',
      'requests per node',
      'at most',
      'calls per node',
      'calls in all',
      'seconds of oned',
      'readings',
    ],
    rows.map((row) => [
      row.nodes,
      one(row.half),
      one(row.published),
      one(row.requestsPerNode.mean),
      row.requestsPerNode.most,
      one(row.calls / row.nodes),
      row.calls,
      seconds(row.calls),
      row.readings,
    ]),
  );
  for (const row of rows) {
    wanted(row.failed === 0, `${row.failed} of ${row.nodes} boots failed`);
    wanted(!Number.isNaN(row.published), `not all of ${row.nodes} nodes were published within half an hour`);
    wanted(row.readings === 0, `${row.readings} readings of the claims at ${row.nodes} nodes`);
    wantFewRequests(row);
  }
}

function wantFewRequests({ nodes, requestsPerNode: { most } }: TogetherRow | BootRow): void {
  if (nodes > MOST_WITHOUT_REPEATS) return;
  wanted(most <= MOST_REQUESTS, `${most} requests of a node at ${nodes} nodes`);
}

function socketsTable(rows: readonly BootRow[]): void {
  say('The same over real sockets, all agents on one processor of this machine');
  say();
  table(
    [
      'nodes',
      'half',
      'last',
      'requests per node',
      'at most',
      'calls in all',
      'seconds of oned',
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
      row.calls,
      seconds(row.calls),
      row.longestQueue,
      row.longestAnswerMs,
      one(row.processor),
      row.failed,
    ]),
  );
  for (const row of rows) {
    wanted(row.failed === 0, `${row.failed} of ${row.nodes} boots failed over sockets`);
    wantFewRequests(row);
  }
}

function settledTable(rows: readonly OutageRow[]): void {
  say('OneGate is away for five minutes while the role is settled, then comes back: requests a second.');
  say(
    'Steady is the mean of the five minutes before; a peak is the most over ten seconds; in one second it is chance.',
  );
  say();
  table(
    [
      'nodes',
      'steady',
      'peak before',
      'while away',
      'peak after',
      'peak after : steady',
      'most in 1 s before',
      'after',
      'calls asked for, of what oned does',
      'peak after',
    ],
    rows.map((row) => [
      row.nodes,
      row.steady.toFixed(2),
      one(row.steadyPeak),
      row.knocks.toFixed(2),
      one(row.peak),
      row.nodes < 100 ? '-' : one(row.peak / row.steady),
      row.steadyPeakSecond,
      row.peakSecond,
      percent(row.steadyCalls),
      percent(row.peakCalls),
    ]),
  );
  say('(of a few nodes every single request is a peak: the factor is given from 100 nodes on)');
  say();
  for (const row of rows.filter(({ nodes }) => nodes >= 100))
    wanted(
      row.peak <= MOST_AFTER_OUTAGE * row.steady,
      `${one(row.peak / row.steady)} x the steady rate after the outage at ${row.nodes} nodes`,
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
      'calls asked for, of what oned does',
      'last published after s',
    ],
    rows.map((row) => [
      row.nodes,
      row.knocks.toFixed(2),
      one(row.peak),
      row.peakSecond,
      percent(row.peakCalls),
      Math.round(row.published),
    ]),
  );
  for (const row of rows)
    wanted(!Number.isNaN(row.published), `not all of ${row.nodes} nodes came up after the outage`);
}

function partitionsTable(lives: readonly Outcome[]): void {
  const most = Math.max(...lives.map(({ nodes }) => nodes));
  say(
    `Partitions: ${lives.length} simulated lives of a role of up to ${most} nodes (scale-ups, scale-downs, crashes,`,
  );
  say('restored disks, wrong claims, outages of OneGate). After the last disturbance:');
  say();
  const row = (what: string, values: readonly number[]): (string | number)[] => {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
    return [what, at(0.5), at(0.99), at(1)];
  };
  table(
    ['', 'median', '99 of 100 within', 'at most'],
    [
      row(
        'seconds until every partition is right and in use',
        lives.map(({ seconds }) => seconds),
      ),
      row(
        'readings of the claims by one node',
        lives.map(({ rounds }) => rounds),
      ),
      row(
        'restarts of Flower on one node',
        lives.map(({ restarts }) => restarts),
      ),
    ],
  );
  const wrong = lives.filter(({ fault }) => fault !== undefined);
  say(`Lives that ended with two nodes on one partition, or a partition missing: ${wrong.length}`);
  say();
  wanted(wrong.length === 0, `${wrong.length} lives ended with wrong partitions: ${wrong[0]?.fault}`);
}

// A thousand folders of small files, synced to a disk by one process, would measure the disk.
const memory = '/dev/shm';
const dir = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'flower-scale-'));
try {
  const sockets: BootRow[] = [];
  // In real time, so before the rest and alone.
  for (const nodes of PARTS.includes('sockets') ? SIZES.filter((size) => size <= MOST_ON_SOCKETS) : [])
    sockets.push(await bootAtOnce(nodes, dir));
  const outages = (['together', 'settled', 'booting'] as const)
    .filter((part) => PARTS.includes(part))
    .flatMap((part) => SIZES.map((nodes): Job => ({ part, nodes, dir: join(dir, `${part}-${nodes}`) })));
  const lives: Job[] = [];
  for (let from = 0; PARTS.includes('partitions') && from < SEEDS; from += SEEDS_AT_A_TIME)
    lives.push({ part: 'partitions', from, to: Math.min(SEEDS, from + SEEDS_AT_A_TIME) });
  const rows = await doAll([...outages, ...lives], (job, seconds) => {
    const what = job.part === 'partitions' ? `lives ${job.from} to ${job.to - 1}` : `${job.nodes} nodes`;
    process.stderr.write(`${job.part}, ${what}: done in ${seconds.toFixed(0)} s\n`);
  });
  callsTable();
  if (rows.together.length > 0) togetherTable(rows.together);
  if (sockets.length > 0) socketsTable(sockets);
  if (rows.settled.length > 0) settledTable(rows.settled);
  if (rows.booting.length > 0) bootingTable(rows.booting);
  if (rows.partitions.length > 0) partitionsTable(rows.partitions);
  for (const miss of misses) say(`MISSED: ${miss}`);
  if (process.env['DOCS'] !== undefined) {
    writeFileSync(join(DOCS, 'scale.svg'), chart(rows.together, rows.settled));
    writeFileSync(join(DOCS, 'scale.md'), page(lines));
  }
  process.exitCode = misses.length > 0 ? 1 : 0;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function page(printed: readonly string[]): string {
  return `# Scale

**Up to 100 SuperNodes in one role need no preparation**: all of them are published within 15 s of a common boot, and nobody
waits for oned. 300 take two minutes and 1,000 take nine minutes, because oned then answers more slowly than the agents ask.
For more than 150 SuperNodes deploy in steps (\`oneflow scale\`) of 100. After an outage of OneGate the requests stay below
twice the usual rate. A role that has lost nodes agrees on its partitions within minutes up to 100 nodes, within half an
hour for 300, and within 6 hours for 1,000.

For each request OneGate makes several calls to oned. Here oned takes ${ONED_MS_PER_CALL} ms for a call and does one at a time, a
cautious assumption. \`make bench-scale DOCS=1\` writes this page; the numbers are as that command printed them.

![The time until the last of N nodes is published, and the requests a second around an outage](scale.svg)

How to read the tables, in their order:

- **Calls to oned for each request**, as counted on the code of OneGate 7.4, with the two that OneFlow makes for each reading
  of the service. The test doubles of OneGate and this page use the same table, \`test/support/onegate/oned-calls.ts\`.
- **All boot in the same instant.** On simulated time, as if each VM had its own processor. *Last* is when the last node is
  published. *Seconds of oned* is how long all requests until READY keep it busy, one-context's report included.
  A SuperNode asks five times: for its own VM, the service and the SuperLink, then it publishes everything, READY=YES too,
  and one-context reports READY once more. After a reboot it asks six times, because it withdraws what was published before.
  A SuperLink asks three and four times. Beyond some 150 nodes oned does not answer all of them within the five seconds after
  which an agent asks again: requests are repeated, and oned works on requests that are no longer awaited.
- **The same over real sockets**, all agents on one processor, which may be slower than OneGate.
- **OneGate away while the role is settled.** When it returns, the peak must stay below twice the steady rate.
- **OneGate away while all nodes boot.** They wait with jitter.
- **Partitions.** How long a role that was disturbed takes until each node has its own partition again
  (\`make bench-partitions\` prints this table alone).

\`\`\`
${printed.join('\n').trim()}
\`\`\`

The head of \`test/bench/scale.ts\` says what is real and what is not: the boots are the agent's own, many in one process,
without Flower and systemd.

Why the load stays low (\`src/cluster/partition-manager.ts\`):

- All waits have jitter; a VM sends one request at a time.
- The list of VMs is read at most two to four times a second by all nodes of a role together: 5 to 10 % of oned.
- What all nodes claim is not read after a first deployment, and not when a role has grown: N nodes would cost some N² calls.
- After a role has lost nodes each of the others reads the claims. These readings are spread over 20 ms x N², which leaves
  oned three quarters of its time: 3 minutes for 100 nodes, half an hour for 300, 6 hours for 1,000.
`;
}
