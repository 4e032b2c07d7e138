import { readCertificates } from '../config/pem-value.ts';
import { EXIT } from '../core/exit.ts';
import { formatHostPort, parseHostPort } from '../core/hostport.ts';
import { probeFleet } from '../flower/probe.ts';
import { readText } from '../host/files.ts';
import { openGrpc } from '../host/grpc.ts';
import { tryConnect } from '../host/net.ts';
import { defineCommand, UsageError } from './command.ts';
import { printErrorText, printText } from './terminal.ts';

/** Between two tries: short, because a whole federation waits for Flower's first answer. */
const AGAIN_AFTER_MS = 25;
/** The pause is at least so many times as long as a try, so that a slow machine keeps its processor for Flower. */
const REST = 20;

export const probe = defineCommand({
  name: 'probe',
  summary: 'Check whether a SuperLink answers at an address, as a SuperNode would',
  args: ['HOST:PORT'],
  options: {
    ca: {
      description: "the CA certificate that must have signed the SuperLink's (PEM, or base64 of it)",
      value: 'FILE',
    },
    plaintext: { description: 'without TLS' },
    wait: { description: 'retry for this time', value: 'SECONDS' },
  },
  text: 'Sends one unauthenticated call; only a Fleet API rejects it with UNAUTHENTICATED. Registers nothing.',
  examples: [
    ['flower-context probe 203.0.113.7:9092 --ca ca.pem', 'Check with TLS'],
    ['flower-context probe [2001:db8::7]:9092 --plaintext --wait 60', 'Wait for a SuperLink without TLS'],
  ],
  async run({ args, value, flag, machine }) {
    const address = parseHostPort(args[0]!);
    if (address === undefined) throw new UsageError(`'${args[0]}' is not HOST:PORT`);
    const caFile = value('ca');
    if ((caFile === undefined) !== flag('plaintext'))
      throw new UsageError('give either --ca FILE or --plaintext');
    const caPem = caFile === undefined ? undefined : readCaFile(caFile);
    const wait = value('wait') ?? '0';
    if (!/^\d+$/.test(wait)) throw new UsageError(`--wait takes whole seconds, not '${wait}'`);

    const end = machine.clock.monotonicMs() + Number(wait) * 1_000;
    let reason = 'no answer';
    const target = { ...address, ca: caPem ?? null };
    // Loads the gRPC library and reads the CA while Flower is still importing; nothing is sent before the first call.
    let opened = openGrpc(target);
    opened.catch(() => undefined);
    for (;;) {
      const began = machine.clock.monotonicMs();
      // A bare connection first: it costs nothing, and the gRPC library backs off for seconds after a refused one.
      const refused = await tryConnect(address.host, address.port, 5_000);
      if (refused === undefined) {
        const answer = await probeFleet(target, 5_000, opened);
        if (answer.ok) {
          printText(`${formatHostPort(address)} answers as a Fleet API (${answer.ms} ms)`);
          return EXIT.good;
        }
        reason = answer.reason;
        opened = openGrpc(target);
      } else reason = refused;
      if (machine.clock.monotonicMs() >= end) break;
      const took = machine.clock.monotonicMs() - began;
      await machine.clock.sleep(Math.max(AGAIN_AFTER_MS, Math.min(REST * took, 1_000)));
    }
    printErrorText(`${formatHostPort(address)} does not answer as a Fleet API: ${reason}`);
    return EXIT.failed;
  },
});

/** The file may be PEM, or base64 of it, as `flower-context ca` prints both. */
function readCaFile(file: string): string {
  const text = readText(file);
  if (text === undefined) throw new UsageError(`there is no file ${file}`);
  const read = readCertificates(text.trim());
  if (read.ok) return read.value;
  throw new UsageError(
    `--ca ${file}: ${read.why}; give the CA of the SuperLink (\`flower-context ca --pem\`)`,
  );
}
