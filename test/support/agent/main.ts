// The agent of VMs that are folders (the zones of the demo and of the tests): the shipped program on another host, and
// on a faster clock where a test would have to wait for minutes.
import { start } from '../../../src/cli/start.ts';
import { realClock } from '../../../src/core/clock.ts';
import { realHost } from '../../../src/host/host.ts';
import { realMachine } from '../../../src/host/machine.ts';
import { fastClock, shiftedClock } from './clock.ts';
import { folderHost, readHostFacts } from './host.ts';

const speed = Number(process.env['TEST_CLOCK_SPEED'] ?? 1);

start((root) => {
  const facts = readHostFacts(root);
  return {
    ...realMachine(root),
    clock: shiftedClock(speed === 1 ? realClock : fastClock(speed), root),
    host: { ...folderHost(facts, () => facts.bootId), collectGarbage: realHost.collectGarbage },
  };
});
