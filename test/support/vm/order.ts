// What machines and OneGate saw of the same minutes, in one order: journals beside OneGate's record, on one clock.
import { updatesOf } from '../onegate/index.ts';
import type { Guest } from './guest.ts';
import type { GuestService } from './service.ts';

export interface Moment {
  /** Milliseconds since 1970, on this machine's clock. */
  readonly at: number;
  readonly guest: string;
  readonly seenBy: 'journal' | 'OneGate';
  readonly what: string;
}

/** The lines of a boot that have an order to keep. */
const LINES =
  /(wait for the Fleet API|wait until the SuperLink accepts this node|publish on OneGate): (done|kept)/;
/** Of an update, what decides who may start when. */
const SHOWN = ['READY', 'FL_READY', 'FL_NODE_READY', 'FL_ENDPOINT', 'FL_CA_CERT', 'FL_PARTITION_ID'];

async function journalOf(guest: Guest): Promise<Moment[]> {
  // A guest's clock starts with the second, not the millisecond, of this machine's.
  const before = Date.now();
  const theirs = Number(await guest.sh('date +%s%3N'));
  const ahead = theirs - (before + Date.now()) / 2;
  const lines = (await guest.journal('flower-context', { format: 'short-unix' })).split('\n');
  return lines.flatMap((line): Moment[] => {
    const what = LINES.exec(line)?.[0];
    if (what === undefined) return [];
    const at = Number(line.split(' ')[0]) * 1_000 - ahead;
    return [{ at, guest: guest.spec.name, seenBy: 'journal', what }];
  });
}

function recordOf(service: GuestService, guest: Guest): Moment[] {
  return updatesOf(service.zone, service.oneVm(guest)).map(({ at, attributes }) => {
    const shown = Object.entries(attributes).filter(([name]) => SHOWN.includes(name));
    const short = shown.map(([name, value]) => `${name}=${value.length > 24 ? '...' : value}`);
    const others = Object.keys(attributes).length - shown.length;
    const more = others > 0 ? ` and ${others} more` : '';
    return { at, guest: guest.spec.name, seenBy: 'OneGate', what: `update ${short.join(' ')}${more}` };
  });
}

/** Everything that decides about READY, oldest first. */
export async function orderOf(service: GuestService, guests: readonly Guest[]): Promise<Moment[]> {
  const journals = await Promise.all(guests.map(journalOf));
  const records = guests.map((guest) => recordOf(service, guest));
  return [...journals, ...records].flat().sort((one, other) => one.at - other.at);
}

export function table(moments: readonly Moment[]): string {
  const [first] = moments;
  const row = ({ at, guest, seenBy, what }: Moment): string =>
    `${((at - first!.at) / 1000).toFixed(1).padStart(7)} s  ${guest.padEnd(18)} ${seenBy.padEnd(8)} ${what}`;
  return moments.map(row).join('\n');
}
