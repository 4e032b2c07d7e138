// How far this VM's clock is from the SuperLink's, measured with the rule that Flower itself applies: a signed call is
// refused as "Invalid timestamp" unless its timestamp is less than 5 s ahead of the SuperLink's clock and less than
// 305 s behind it (1.31-1.39). A call with a timestamp that is accepted goes one step further and is refused as
// "Invalid node ID", because the key signing it is made here and known to nobody. Nothing is changed on the SuperLink.
import { generateKeyPairSync, sign } from 'node:crypto';
import { type GrpcConnection, GrpcStatus, type GrpcTarget, openGrpc } from '../host/grpc.ts';
import { FLEET_METHOD } from './probe.ts';

export type ClockResult =
  /** Flower accepts calls with this VM's time. */
  | { readonly kind: 'accepted' }
  /** It does not. `aheadMs`: this VM's clock minus the SuperLink's (negative: behind), to about a tenth of a second. */
  | { readonly kind: 'off'; readonly aheadMs: number }
  /** It does not, and the difference is more than was searched (14 hours). */
  | { readonly kind: 'far_off' }
  | { readonly kind: 'unknown'; readonly reason: string };

const LEAD_MS = 5_000;
const LAG_MS = 305_000;
const SEARCH_MS = 14 * 3_600_000;
const PRECISION_MS = 100;
const AT_ONCE = 48;

/** Judges this VM's clock by the Fleet API at `target`. `now` gives milliseconds since 1970. Never throws. */
export async function checkClock(
  target: GrpcTarget,
  timeoutMs: number,
  now = Date.now,
): Promise<ClockResult> {
  const connection = await openGrpc(target);
  try {
    const accepts = asker(connection, timeoutMs, now);
    if (await accepts(0)) return { kind: 'accepted' };
    const inside = await findInside(accepts);
    return inside === undefined ? { kind: 'far_off' } : { kind: 'off', aheadMs: await edge(accepts, inside) };
  } catch (error) {
    return { kind: 'unknown', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    connection.close();
  }
}

type Accepts = (offsetMs: number) => Promise<boolean>;

/** Asks whether a timestamp `offsetMs` from this VM's clock is accepted. */
function asker(connection: GrpcConnection, timeoutMs: number, now: () => number): Accepts {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const key = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
  return async (offsetMs) => {
    const timestamp = new Date(now() + offsetMs).toISOString().replace('Z', '+00:00');
    const { code, details } = await connection.call(FLEET_METHOD, timeoutMs, {
      'flwr-public-key-bin': key,
      'flwr-timestamp': timestamp,
      'flwr-signature-bin': sign('sha256', Buffer.from(timestamp), privateKey),
    });
    if (code === GrpcStatus.UNAUTHENTICATED && /node ID/i.test(details)) return true;
    if (code === GrpcStatus.UNAUTHENTICATED && /timestamp/i.test(details)) return false;
    throw new Error(details || `status ${code}`);
  };
}

/** The window is 310 s wide, so steps of 300 s, nearest first, cannot miss it. */
async function findInside(accepts: Accepts): Promise<number | undefined> {
  const offsets: number[] = [];
  for (let step = 300_000; step <= SEARCH_MS; step += 300_000) offsets.push(step, -step);
  for (let from = 0; from < offsets.length; from += AT_ONCE) {
    const some = offsets.slice(from, from + AT_ONCE);
    const answers = await Promise.all(some.map(accepts));
    const hit = answers.indexOf(true);
    if (hit !== -1) return some[hit];
  }
  return undefined;
}

/** From an accepted offset up to the newest one that is: that is the SuperLink's clock plus the lead it allows. */
async function edge(accepts: Accepts, inside: number): Promise<number> {
  let good = inside;
  let bad = inside + LAG_MS + LEAD_MS + 1_000;
  while (bad - good > PRECISION_MS) {
    const middle = (good + bad) / 2;
    if (await accepts(middle)) good = middle;
    else bad = middle;
  }
  return Math.round(LEAD_MS - (good + bad) / 2);
}
