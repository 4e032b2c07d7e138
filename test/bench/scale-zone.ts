// The front-end of `make bench-scale`, in a process of its own: OneGate limited to what oned serves, a role of
// SuperNodes, and a TLS listener where their SuperLink would be. The process that started it sends the commands.
import { createServer } from 'node:tls';
import { issueCa, issueServer } from '../../src/tls/issue.ts';
import { Zone } from '../support/onegate/index.ts';
import { callsFor, ONED_MS_PER_CALL, requestOf } from '../support/onegate/oned-calls.ts';
import type { FromZone, ToZone } from './scale-limits.ts';

const say = (message: FromZone): void => void process.send!(message);
const address = '127.44.0.1';
const now = new Date();
const ca = issueCa({ now, commonName: 'scale' });
const server = issueServer({ ca, names: { dns: [], ip: [address] }, now });
const fleet = createServer({ cert: server.certPem, key: server.keyPem, ALPNProtocols: ['h2'] }, (socket) => {
  socket.on('error', () => {});
});
fleet.on('tlsClientError', () => {});

let zone: Zone | undefined;
process.on('message', async (message: ToZone) => {
  if ('nodes' in message) {
    if (!fleet.listening) await new Promise<void>((done) => fleet.listen(9092, address, 4_096, done));
    zone = await new Zone({ address }).start();
    zone.backends.msPerCall = ONED_MS_PER_CALL;
    const service = zone.addService({
      name: 'scale',
      roles: [{ name: 'superlink' }, { name: 'supernode', cardinality: message.nodes }],
    });
    const says = {
      FL_READY: 'YES',
      FL_TLS: 'YES',
      FL_ENDPOINT: `${address}:9092`,
      FL_CA_CERT: Buffer.from(ca.certPem).toString('base64'),
    };
    for (const [name, value] of Object.entries(says))
      service.role('superlink').nodes[0]!.userTemplate.set(name, value);
    say({ vms: service.role('supernode').nodes.map(({ token, context }) => ({ token, context })) });
  } else {
    const log = zone!.log.map(({ at, vm, method, path, status, ms = 0, attributes }) => ({
      at,
      vm,
      calls: callsFor(requestOf(method, path.split('?')[0]!, path.includes('extended')), zone!.vms.length),
      status,
      ms,
      published: attributes['FL_NODE_READY'] === 'YES',
    }));
    say({ log, longestQueue: zone!.backends.longestQueue });
    await zone!.stop();
  }
});
process.on('disconnect', () => process.exit());
