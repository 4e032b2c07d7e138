/**
 * The stub as a program, to try manually or to run behind something that is not TypeScript.
 *
 *   node test/support/onegate/main.ts [--listen 127.33.0.1:5030] [--supernodes 2] [--no-gate]
 *
 * Prints one JSON line per VM when it is switched on (id, name, role, token, context) after one for the zone. Reads
 * commands, one a line: `scale ROLE N`, `poweroff ID`, `resume ID`, `terminate ID`, `undeploy`, `log`. Ends with stdin.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Zone } from './zone.ts';

const { values } = parseArgs({
  options: {
    listen: { type: 'string', default: '127.33.0.1:5030' },
    supernodes: { type: 'string', default: '2' },
    'no-gate': { type: 'boolean', default: false },
  },
});
const [address = '', port = '0'] = values.listen.split(':');
const zone = new Zone({ address, port: Number(port) });
const say = (line: object) => console.log(JSON.stringify(line));

zone.onDeploy(({ id, name, role, token, context }) => say({ id, name, role, token, context }));
await zone.start();
say({ endpoint: zone.endpoint });
const service = zone.addService({
  name: 'flower',
  gate: !values['no-gate'],
  roles: [
    { name: 'superlink' },
    { name: 'supernode', parents: ['superlink'], cardinality: Number(values.supernodes) },
  ],
});

/** Does a command. @returns what to print */
function obey(command: string, words: readonly string[]): object {
  const [first = '', second = ''] = words;
  if (command === 'scale') return { refused: service.scale(first, Number(second)) ?? null };
  if (command === 'undeploy') service.undeploy();
  else if (command === 'poweroff') zone.poweroff(zone.vm(Number(first)));
  else if (command === 'resume') zone.resume(zone.vm(Number(first)));
  else if (command === 'terminate') zone.terminate(zone.vm(Number(first)));
  else if (command !== 'log') return { unknown: command };
  return command === 'log' ? { log: zone.log } : { service: service.state };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command = '', ...words] = line.trim().split(/\s+/);
  try {
    if (command) say(obey(command, words));
  } catch (error) {
    say({ error: String(error) });
  }
}
await zone.stop();
