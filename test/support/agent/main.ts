// The agent of VMs that are folders (the zones of the demo and of the tests): the shipped program on another host.
import { start } from '../../../src/cli/start.ts';
import { realHost } from '../../../src/host/host.ts';
import { realMachine } from '../../../src/host/machine.ts';
import { folderHost, readHostFacts } from './host.ts';

start((root) => {
  const facts = readHostFacts(root);
  return {
    ...realMachine(root),
    host: { ...folderHost(facts, () => facts.bootId), giveBackMemory: realHost.giveBackMemory },
  };
});
