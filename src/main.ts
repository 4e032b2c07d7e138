import { start } from './cli/start.ts';
import { realMachine } from './host/machine.ts';

start(realMachine);
