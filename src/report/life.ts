// Whether the agent and Flower live at this moment, as the operating system reports it. The files of the agent cannot say
// that their writer has ended.
import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import { liveFlowerState, unitOf, whyUnknown } from '../flower/state-file.ts';
import { SUPEREXEC_UNIT } from '../flower/superexec.ts';
import { appsCanStart } from '../flower/superexec-process.ts';
import type { Machine } from '../host/machine.ts';
import { processFacts } from '../host/process.ts';
import { type UnitState, unitState } from '../host/systemd.ts';
import { loadImage } from '../vm/load.ts';
import { duration } from './report.ts';
import type { Status } from './status.ts';

export const AGENT_UNIT = 'flower-context.service';

/** The agent, for people and programs: a member of `status --json`. */
interface AgentLife {
  /** Its process works, and the status file is its own. */
  readonly running: boolean;
  /**
   * starting: its process has not written a status yet. restarting: it has ended, and systemd starts it again.
   * stopped: by systemctl or SIGTERM. hung: its process exists, but does nothing. ended: without systemd's knowledge.
   */
  readonly state:
    | 'running'
    | 'starting'
    | 'restarting'
    | 'hung'
    | 'stopped'
    | 'failed'
    | 'ended'
    | 'unstarted';
  /** Since when, of systemd or of the last status that it wrote. */
  readonly since: string | null;
  readonly pid: number | null;
  /** A clause whose subject is the agent. */
  readonly detail: string;
}

/** Flower, in the same way. */
export interface FlowerLife {
  /** It serves (was accepted) at this moment, and the apps of runs can start. */
  readonly serving: boolean;
  /** The phase that its process reports, or why there is none. */
  readonly state: string;
  readonly since: string | null;
  readonly pid: number | null;
  /** A sentence. */
  readonly detail: string;
}

export interface Life {
  readonly agent: AgentLife;
  /** Null without a role: the image is damaged. */
  readonly flower: FlowerLife | null;
}

/** Asks systemd and the kernel about both. `status`: what the status file holds. Never throws. */
export async function lifeOf(machine: Machine, status: Status | Problem | undefined): Promise<Life> {
  const image = loadImage(machine);
  const role = image instanceof Problem ? writtenBy(status)?.role : image.role;
  const [agent, flower] = await Promise.all([
    agentLife(status),
    role == null ? null : flowerLife(machine, role),
  ]);
  return { agent, flower };
}

const writtenBy = (status: Status | Problem | undefined): Status | undefined =>
  status instanceof Problem ? undefined : status;

/** The process that wrote a status; undefined when it has ended, also when another one has its number by now. */
export function writerOf({ pid, pid_started }: Status): { readonly stopped: boolean } | undefined {
  const facts = processFacts(pid);
  return pid_started === undefined || facts?.started === pid_started ? facts : undefined;
}

/** A watchdog hears of the agent twice in its limit. Without a word for this part of it the agent hangs. */
const SILENT_PART = 0.75;

async function agentLife(found: Status | Problem | undefined): Promise<AgentLife> {
  const status = writtenBy(found);
  const unit = await unitState(AGENT_UNIT);
  const ofWriter = status && writerOf(status);
  // An agent of an earlier package did not write the start of its process.
  const isWriter = ofWriter !== undefined && (status?.pid_started !== undefined || isMain(unit, status!.pid));
  const pid = isWriter ? status!.pid : unit.pid;
  const facts = isWriter ? ofWriter : pid > 0 ? processFacts(pid) : undefined;
  if (facts === undefined) return dead(unit, status, found !== undefined);
  const { watchdog } = unit;
  const life = { pid, since: timeOf(unit.pid === pid ? unit.startedAt : undefined) };
  const lastSign = timeOf(watchdog?.at) ?? status?.updated_at ?? life.since;
  const hung = { ...life, running: false, state: 'hung', since: lastSign } as const;
  if (facts.stopped) return { ...hung, detail: `hangs: process ${pid} was stopped by a signal` };
  if (unit.pid === pid && watchdog && watchdog.silentMs > watchdog.limitMs * SILENT_PART)
    return {
      ...hung,
      detail: `hangs: systemd has not heard of process ${pid} for ${duration(watchdog.silentMs)}`,
    };
  if (!isWriter && !(found instanceof Problem))
    return { ...life, running: false, state: 'starting', detail: 'is starting' };
  return { ...life, running: true, state: 'running', detail: 'runs' };
}

const isMain = ({ active, pid }: UnitState, writer: number): boolean =>
  active === 'unknown' || pid === writer;

const WAITS = 'waits for a valid CONTEXT';

function dead(unit: UnitState, status: Status | undefined, hasRun: boolean): AgentLife {
  const { active, startsAgain, endedAt, ending } = unit;
  const since = timeOf(endedAt) ?? status?.updated_at ?? null;
  const life = { running: false, since, pid: null } as const;
  const neverRan = !hasRun && endedAt === undefined;
  if (startsAgain) {
    const detail = neverRan ? 'is about to be started' : `ended (${ending}), and systemd starts it again`;
    return { ...life, state: neverRan ? 'starting' : 'restarting', detail };
  }
  if (neverRan) return { ...life, state: 'unstarted', detail: 'has not run since this VM started' };
  if (active === 'failed') {
    return {
      ...life,
      state: 'failed',
      detail: unit.exitStatus === EXIT.badContext ? WAITS : `ended (${ending})`,
    };
  }
  // Also one that systemd did not start: `flower-context boot`.
  if (active === 'unknown' || endedAt === undefined) return { ...life, state: 'ended', detail: 'has ended' };
  return { ...life, state: 'stopped', detail: 'was stopped' };
}

async function flowerLife(machine: Machine, role: Role): Promise<FlowerLife> {
  const unit = await unitState(unitOf(role));
  const { active, pid, startsAgain, endedAt, ending } = unit;
  const live = await liveFlowerState(machine, active === 'unknown' ? undefined : pid);
  if (live !== undefined) {
    const { phase: state, since, up, detail } = live;
    const apps = !up || (await appsCanStart(machine));
    const noApps = `${SUPEREXEC_UNIT}, which starts the apps, does not serve`;
    return { serving: up && apps, state, since, pid: live.pid, detail: apps ? detail : noApps };
  }
  if (pid > 0) {
    const stopped = processFacts(pid)?.stopped === true;
    const unknown = stopped ? `process ${pid} was stopped by a signal` : await whyUnknown(machine);
    const detail = unknown ?? 'its process has just been started';
    return {
      serving: false,
      state: stopped ? 'hung' : 'unknown',
      since: timeOf(unit.startedAt),
      pid,
      detail,
    };
  }
  const none = { serving: false, since: timeOf(endedAt), pid: null };
  const name = unitOf(role);
  if (startsAgain)
    return { ...none, state: 'restarting', detail: `${name} ended (${ending}), and systemd starts it again` };
  if (active === 'unknown')
    return {
      ...none,
      state: 'unknown',
      detail: `systemd does not answer, and no process of ${name} is known`,
    };
  if (active === 'failed') return { ...none, state: 'failed', detail: `${name} ended (${ending})` };
  const detail = endedAt === undefined ? `${name} has not been started` : `${name} was stopped`;
  return { ...none, state: 'stopped', detail };
}

const timeOf = (date: Date | undefined): string | null => date?.toISOString() ?? null;

/** A clause about something that does not work: 'has not served since TIME (3 min 5 s)', or without a time 'does not serve'. */
function notClause([verb, participle]: readonly [string, string], since: string | null, now: Date): string {
  if (since === null) return `does not ${verb}`;
  return `has not ${participle} since ${since} (${duration(Math.max(0, now.getTime() - Date.parse(since)))})`;
}

/** Why Flower does not serve, as a sentence. */
export const notServing = (flower: FlowerLife | null, now: Date): string =>
  `Flower ${notClause(['serve', 'served'], flower?.since ?? null, now)}: ${flower?.detail ?? 'nothing is known of it'}`;

/** What an agent that does not work means for this VM, as lines: the state, since when, Flower, and what to do. */
export function lifeLines({ agent, flower }: Life, now: Date): string[] {
  const said = agent.state === 'starting' || agent.state === 'unstarted';
  return [
    `the agent ${said ? agent.detail : `${notClause(['work', 'worked'], agent.since, now)}: it ${agent.detail}`}`,
    ...(flower === null ? [] : [flowerLine(flower, agent, now)]),
    `  what to do: ${remedyOf(agent)}`,
  ];
}

function flowerLine(flower: FlowerLife, agent: AgentLife, now: Date): string {
  const alone = agent.state === 'hung' || agent.pid === null ? ', but nothing supervises it' : '';
  return flower.serving ? `  Flower still serves${alone}: ${flower.detail}` : `  ${notServing(flower, now)}`;
}

const JOURNAL = '`journalctl -u flower-context`';
function remedyOf({ state, detail }: AgentLife): string {
  if (detail === WAITS) return 'correct the CONTEXT (`onevm updateconf`); the problems say how';
  switch (state) {
    case 'starting':
    case 'running':
      return '`flower-context status --wait`';
    case 'restarting':
      return `${JOURNAL} shows why it ended`;
    case 'hung':
      return 'restart it: `systemctl restart flower-context`';
    case 'unstarted':
      return 'start it: `systemctl start flower-context`';
    default:
      return `start it: \`systemctl start flower-context\`; ${JOURNAL} shows why it ended`;
  }
}
