import { readCertificates } from '../config/pem-value.ts';
import { EXIT } from '../core/exit.ts';
import { formatHostPort, parseHostPort } from '../core/hostport.ts';
import { GENERATIONS, NO_ANSWER_YET, probeEither, probeFleet } from '../flower/probe.ts';
import { TRANSPORTS } from '../flower/profiles.ts';
import { openGrpc } from '../host/grpc.ts';
import { tryConnect } from '../host/net.ts';
import { defineCommand, UsageError } from './command.ts';
import { readInput } from './context-source.ts';
import { passLine, printErrorText, printText } from './terminal.ts';

/** The shortest pause between two attempts: a federation waits for the first answer. */
const PAUSE_MS = 25;
/** The pause as a multiple of the last attempt: a slow machine needs its processor for Flower. */
const PAUSE_FACTOR = 20;

export const probe = defineCommand({
  name: 'probe',
  summary: 'Test whether a Fleet API answers, as a SuperNode would call it',
  args: ['HOST:PORT'],
  options: {
    ca: {
      description: 'the CA certificate that the SuperLink must be signed by: PEM, or base64 of it',
      value: 'FILE',
    },
    plaintext: { description: 'without TLS' },
    transport: {
      description: 'how the SuperNodes call: grpc (Flower up to 1.39) or http; without it both are tried',
      value: 'NAME',
    },
    wait: { description: 'repeat for this time until there is an answer', value: 'SECONDS' },
  },
  text: 'Sends one unauthenticated call; only a Fleet API refuses it as such. No node is registered. With --wait, the reason is printed whenever it changes.',
  examples: [
    ['flower-context probe 203.0.113.7:9092 --ca ca.pem', 'Test the connection with TLS'],
    ['flower-context probe [2001:db8::7]:9092 --plaintext --wait 60', 'Wait up to a minute, without TLS'],
  ],
  async run({ args, value, flag, machine }) {
    const address = parseHostPort(args[0]!);
    if (address === undefined) throw new UsageError(`'${args[0]}' is not HOST:PORT`);
    const caFile = value('ca');
    if ((caFile === undefined) !== flag('plaintext'))
      throw new UsageError('give either --ca FILE or --plaintext');
    const target = { ...address, ca: caFile === undefined ? null : readCaFile(caFile) };
    const transport = TRANSPORTS.find((name) => name === value('transport'));
    if (value('transport') !== undefined && transport === undefined)
      throw new UsageError(`--transport takes ${TRANSPORTS.join(' or ')}, not '${value('transport')}'`);
    const wait = value('wait') ?? '0';
    if (!/^\d+$/.test(wait)) throw new UsageError(`--wait takes whole seconds, not '${wait}'`);

    const end = machine.clock.monotonicMs() + Number(wait) * 1_000;
    let reason = 'no answer';
    let printed: string | undefined;
    // Loads the gRPC library while Flower is still importing. It connects at the first call.
    const open = () => (transport === 'grpc' ? openGrpc(target) : undefined);
    let opened = open();
    opened?.catch(() => undefined);
    for (;;) {
      const began = machine.clock.monotonicMs();
      // A TCP connection first: the gRPC library waits for seconds after a refused one (docs/facts.md, "grpc-backoff").
      const refused = await tryConnect(address.host, address.port, 5_000);
      if (refused === undefined) {
        const answer =
          transport === undefined
            ? await probeEither(target, 5_000)
            : { ...(await probeFleet(target, transport, 5_000, opened)), transport };
        if (answer.ok) {
          const generation = GENERATIONS[answer.transport];
          printText(
            `${formatHostPort(address)} answers as a Fleet API of ${generation} after ${answer.ms} ms`,
          );
          return EXIT.ok;
        }
        reason = `it ${answer.reason}`;
        opened = open();
      } else reason = refused;
      if (machine.clock.monotonicMs() >= end) break;
      if (reason !== printed) passLine(`${formatHostPort(address)}${NO_ANSWER_YET}${reason}`, 'stderr');
      printed = reason;
      const took = machine.clock.monotonicMs() - began;
      await machine.clock.sleep(Math.max(PAUSE_MS, Math.min(PAUSE_FACTOR * took, 1_000)));
    }
    printErrorText(`${formatHostPort(address)} does not answer as a Fleet API: ${reason}`);
    return EXIT.failed;
  },
});

/** PEM, or base64 of it: `flower-context ca` prints both. */
function readCaFile(file: string): string {
  const read = readCertificates(readInput(file).toString('utf8').trim());
  if (read.ok) return read.value;
  throw new UsageError(
    `--ca ${file}: ${read.why}; give the CA of the SuperLink (\`flower-context ca --pem\`)`,
  );
}
