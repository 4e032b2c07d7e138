// `make soak`: federations of containers with real systemd and real Flower, random faults for an hour, and a judge.
// SEED repeats the faults of an earlier run, MINUTES is for all federations together, FEDERATIONS="1 3" their SuperNodes,
// KINDS="kill Flower, cut the power" only these faults, PACE the length of pauses (default: the load of the machine),
// SCHEDULE=FILE a schedule that an earlier run has written, JUDGE=FOLDER judges the timelines of an earlier run again.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureLoad } from '../support/load.ts';
import type { Container } from '../support/nspawn/container.ts';
import type { Guest, GuestSpec } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';
import { run, until } from '../support/zone/process.ts';
import { roundsOf } from '../support/zone/training.ts';
import { REPOSITORY } from '../support/zone/vm.ts';
import { giveClock } from './clock.ts';
import { Injector, seconds } from './inject.ts';
import {
  ALL_READY,
  type Contradiction,
  judge,
  type Outage,
  outagesOf,
  PROBLEMS_GONE,
  type Timeline,
} from './judge.ts';
import { Observer, type Problem, problemsOf, slowness } from './observe.ts';
import { explain, figures, type Journal, parseJournal, renewFigures, tableOf } from './report.ts';
import { FAULT_KINDS, type FaultKind, isFaultKind, lineOf, type Planned, scheduleOf } from './schedule.ts';

const number = (name: string, otherwise: number): number => {
  const given = process.env[name];
  if (given === undefined || given === '') return otherwise;
  if (!/^\d+(\.\d+)?$/.test(given)) usage(`${name}=${given} is not a number`);
  return Number(given);
};

function usage(why: string): never {
  console.error(`soak: ${why}`);
  process.exit(64);
}

/** The folder of a run begins with its seed. */
const JUDGED_SEED = /(\d+)-[^/]*\/?$/.exec(process.env.JUDGE ?? '')?.[1];
const SEED = number('SEED', Number(JUDGED_SEED ?? Math.floor(Date.now() / 1_000) % 100_000));
const MINUTES = number('MINUTES', 60);
const FEDERATIONS = (process.env.FEDERATIONS || '1 3').split(/[\s,]+/).map(Number);
const KINDS = (process.env.KINDS || FAULT_KINDS.join(',')).split(',').map((kind) => kind.trim());
const [unknown] = KINDS.filter((kind) => !isFaultKind(kind));
if (unknown !== undefined) usage(`no fault '${unknown}'; the faults are: ${FAULT_KINDS.join(', ')}`);

interface Recorded {
  readonly supernodes: number;
  readonly planned: readonly Planned[];
  /** Seconds since 1970 at which the timeline begins. */
  readonly began: number;
  readonly timeline: Timeline;
  readonly journals: readonly Journal[];
}

/** SIGTERM ends a run early: what it has seen is judged. */
let interrupted = false;
process.once('SIGTERM', () => {
  interrupted = true;
  console.log('interrupted by SIGTERM: what is under way is ended, and what was seen is judged');
});

const SETTLE_SECONDS = 20;

/** One federation from its deployment to its last run. */
async function soak(supernodes: number, planned: readonly Planned[], folder: string): Promise<Recorded> {
  const all = { FL_NUM_ROUNDS: '2' };
  const few = { FL_MIN_FIT_CLIENTS: '1', FL_MIN_EVALUATE_CLIENTS: '1', FL_MIN_AVAILABLE_CLIENTS: '1' };
  // Both ways in which Flower's apps are started.
  const isolation = { FL_ISOLATION: supernodes === 1 ? 'subprocess' : 'process' };
  const service = new GuestService({
    make: (spec: GuestSpec) => {
      const guest = container(spec);
      giveClock(guest);
      return guest;
    },
    supernodes,
    superlink: { ...all, ...isolation, ...(supernodes === 1 && few) },
    supernode: isolation,
    zone: { cooldownMs: 1_000 },
  });
  let began = Date.now() / 1_000;
  const journalOf = async (guest: Guest): Promise<Journal> => {
    const args = ['--no-pager', '-o', 'short-unix', '-u', 'flower-*', '-u', 'one-context*'];
    // From outside: also of a VM that is off.
    const folder = (guest as Container).path('/var/log/journal');
    const { stdout } = await run('journalctl', ['-D', folder, ...args]);
    return parseJournal(guest.spec.name, stdout, began);
  };
  try {
    console.log(`a SuperLink and ${supernodes} SuperNode(s) boot`);
    await service.up(180);
    const observer = new Observer(service, folder);
    began = Date.now() / 1_000;
    const before = await problemsOf(service.all);
    observer.start();
    const injector = new Injector(service, supernodes, (guest, on) => observer.switched(guest, on));
    await until('everything to agree before the first fault', () => observer.allWell(), {
      timeoutMs: 180_000,
      everyMs: 500,
    }).catch((error: Error) => console.log(`not all was well before the first fault: ${error.message}`));
    const zero = observer.now();
    const pending: Promise<void>[] = [];
    for (const fault of planned) {
      while (observer.now() - zero < fault.at && !interrupted) await seconds(0.2);
      if (interrupted) break;
      pending.push(play(fault, injector, observer, service.superlink));
    }
    await Promise.all(pending);
    const said = (text: string): void => console.log(`${stamp(observer)} ${text}`);
    said('the last fault is over; waiting until all serve');
    // Each VM has to have been asked after it.
    if (!interrupted) await seconds(SETTLE_SECONDS);
    await until('all to serve', () => observer.allWell() || interrupted, {
      timeoutMs: ALL_READY.seconds * 1_000 * slowness(),
      exact: true,
      everyMs: 500,
    }).catch((error: Error) => said(error.message));
    if (!interrupted) await submit(observer, service.superlink, true);
    const known = new Set(before.map(({ vm, code }) => `${vm} ${code}`));
    const opened = async (): Promise<Problem[]> =>
      (await problemsOf(service.all)).filter(({ vm, code }) => !known.has(`${vm} ${code}`));
    await until('no problem to be left', async () => interrupted || (await opened()).length === 0, {
      timeoutMs: PROBLEMS_GONE.seconds * 1_000,
      exact: true,
      everyMs: 10_000,
    }).catch(() => undefined);
    const fresh = interrupted ? [] : await opened();
    const timeline = observer.timeline(fresh);
    await observer.stop();
    const journals = await Promise.all([...observer.guests].map(journalOf));
    return { supernodes, planned, began, timeline, journals };
  } finally {
    await service.stop();
  }
}

const stamp = (observer: Observer): string => `${observer.now().toFixed(0).padStart(6)} s `;

/** Begins a fault, and ends it after its time. One that cannot be put in is left out, and said. */
async function play(
  planned: Planned,
  injector: Injector,
  observer: Observer,
  superlink: Guest,
): Promise<void> {
  const { kind, target, hold, choice } = planned;
  if (kind === 'submit a run') return submit(observer, superlink, false);
  const guest = injector.guestOf(target);
  const vm = guest?.spec.name ?? 'all';
  const what = [kind, vm, choice ?? ''].join(' ').trimEnd();
  console.log(`${stamp(observer)} ${what}${hold > 0 ? `, for ${hold} s` : ''}`);
  const from = observer.now();
  const fault = { kind, vm, from, to: Number.POSITIVE_INFINITY };
  observer.faults.push(fault);
  try {
    const heal = await injector.begin(planned);
    await seconds(Math.max(0, hold - (observer.now() - from)));
    await heal();
    if (hold > 0) console.log(`${stamp(observer)} end of: ${what}`);
  } catch (error) {
    console.log(`${stamp(observer)} ${what}: ${(error as Error).message.split('\n')[0]}`);
  }
  fault.to = observer.now();
}

async function submit(observer: Observer, superlink: Guest, last: boolean): Promise<void> {
  const from = observer.now();
  console.log(`${stamp(observer)} submit quickstart`);
  const { code, stdout, stderr } = await superlink
    .exec('flower-context submit quickstart', { timeoutMs: 300_000 })
    .catch((error: Error) => ({ code: -1, stdout: '', stderr: error.message }));
  const output = `${stdout}${stderr}`;
  const results = roundsOf(output.split('\n')).map(({ results }) => results);
  const end = output.trimEnd().split('\n').slice(-3).join(' / ');
  console.log(
    `${stamp(observer)} the run ended with ${code}; results by round: ${results.join(', ') || 'none'}`,
  );
  const whole = code !== 0 || results.some((count) => count > 0);
  observer.runs.push({ from, to: observer.now(), code: whole ? code : -2, said: end, last });
}

function conclude(folder: string, records: readonly Recorded[]): number {
  const found: Contradiction[] = [];
  const outages: Outage[] = [];
  for (const { supernodes, timeline, journals } of records) {
    const own = judge(timeline);
    found.push(...own);
    outages.push(...outagesOf(timeline));
    console.log(`\nfederation of ${supernodes} SuperNode(s): ${own.length} contradictions`);
    for (const one of own) console.log(`\n${explain(one, journals, timeline.superlink)}`);
  }
  const factors = records.flatMap(({ timeline }) => timeline.load.map(({ factor }) => factor));
  const text = figures(outages, {
    minutes: MINUTES,
    seed: SEED,
    federations: records.map(({ supernodes }) => supernodes),
    faults: records.reduce((sum, { timeline }) => sum + timeline.faults.length, 0),
    contradictions: found.length,
    load: factors.reduce((sum, factor) => sum + factor, 0) / Math.max(1, factors.length),
  });
  writeFileSync(join(folder, 'figures.md'), text);
  writeFileSync(join(folder, 'contradictions.json'), JSON.stringify(found, undefined, 1));
  if (process.env.DOCS) renewFigures(text);
  console.log(`\n${tableOf(outages)}\n\ncontradictions: ${found.length}\nwritten to ${folder}`);
  return found.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const { JUDGE, SCHEDULE } = process.env;
  if (JUDGE) {
    const names = readdirSync(JUDGE).filter((name) => /^federation-\d+\.json$/.test(name));
    const read = (name: string): Recorded => JSON.parse(readFileSync(join(JUDGE, name), 'utf8')) as Recorded;
    return conclude(JUDGE, names.map(read));
  }
  process.env.LOAD_FACTOR ??= String(await measureLoad());
  const pace = number('PACE', Math.min(3, Number(process.env.LOAD_FACTOR)));
  const folder = join(
    REPOSITORY,
    '.cache/soak',
    `${SEED}-${new Date().toISOString().slice(0, 16).replace(':', '')}`,
  );
  mkdirSync(folder, { recursive: true });
  const plans = FEDERATIONS.map((supernodes, index): readonly Planned[] =>
    SCHEDULE
      ? (JSON.parse(readFileSync(SCHEDULE, 'utf8')) as Planned[][])[index]!
      : scheduleOf({
          seed: SEED + index,
          seconds: (MINUTES * 60) / FEDERATIONS.length,
          supernodes,
          pace,
          kinds: KINDS as FaultKind[],
        }),
  );
  writeFileSync(join(folder, 'schedule.json'), JSON.stringify(plans, undefined, 1));
  console.log(
    `SEED=${SEED} MINUTES=${MINUTES} PACE=${pace} FEDERATIONS="${FEDERATIONS.join(' ')}"; the same values give the same faults`,
  );
  for (const [index, plan] of plans.entries())
    console.log(`\nfederation of ${FEDERATIONS[index]} SuperNode(s):\n${plan.map(lineOf).join('\n')}`);
  const records: Recorded[] = [];
  for (const [index, supernodes] of FEDERATIONS.entries()) {
    if (interrupted) break;
    console.log();
    const record = await soak(supernodes, plans[index]!, folder);
    // Infinity is not JSON: a fault that was not ended lasted until the end.
    writeFileSync(join(folder, `federation-${supernodes}.json`), JSON.stringify(record));
    records.push(record);
  }
  return conclude(folder, records);
}

process.exitCode = await main();
