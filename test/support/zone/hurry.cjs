// Loaded into the agent of a VM (NODE_OPTIONS=--require) where a test would have to wait for minutes: the pauses of ten
// seconds between two looks become a tenth of one, and to the probe time runs 60 times as fast. Nothing else changes.
const FAST = 60;
if (process.argv[2] === 'probe') {
  const real = performance.now.bind(performance);
  performance.now = () => real() * FAST;
} else {
  const real = globalThis.setTimeout;
  globalThis.setTimeout = (work, ms, ...rest) => real(work, ms === 10_000 ? 100 : ms, ...rest);
}
