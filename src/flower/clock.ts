// Whether the SuperLink accepts this VM's clock, by the rule that Flower itself applies. Flower 1.31 to 1.39 refuses a signed
// call as "Invalid timestamp" unless its timestamp is less than 5 s ahead of the SuperLink's clock and less than 305 s behind
// it. With an accepted timestamp the call is refused as "Invalid node ID", because its key is made here and is not
// registered. The call changes nothing on the SuperLink.
import { generateKeyPairSync, sign } from 'node:crypto';
import { GrpcStatus, type GrpcTarget, openGrpc } from '../host/grpc.ts';
import { FLEET_METHOD } from './probe.ts';

/** Asks the Fleet API at `target` to judge the time `now`; undefined when it does not answer. */
export async function clockAccepted(
  target: GrpcTarget,
  timeoutMs: number,
  now: Date,
): Promise<boolean | undefined> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const timestamp = now.toISOString().replace('Z', '+00:00');
  const connection = await openGrpc(target);
  const { code, details } = await connection.call(FLEET_METHOD, timeoutMs, {
    'flwr-public-key-bin': Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })),
    'flwr-timestamp': timestamp,
    'flwr-signature-bin': sign('sha256', Buffer.from(timestamp), privateKey),
  });
  connection.close();
  if (code !== GrpcStatus.UNAUTHENTICATED) return undefined;
  return /node ID/i.test(details) ? true : /timestamp/i.test(details) ? false : undefined;
}
