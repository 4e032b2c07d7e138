// Replaces the parts of pino that write to files and worker threads. The journal has its own destination and uses neither.
// Loading them takes 40 % of the start of the agent (node:assert, the stream of standard error).
module.exports = class NotBundled {
  constructor() {
    throw new Error('this part of pino is not in the bundle');
  }
};
