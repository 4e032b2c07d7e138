// Stands in the bundle for what pino would write to files and worker threads with. The journal has a destination of its
// own, so neither is ever made - but merely loading them costs 40 % of the agent's start (node:assert, stderr's stream).
module.exports = class NotBundled {
  constructor() {
    throw new Error('this part of pino is not in the bundle');
  }
};
