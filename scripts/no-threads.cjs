// Stands in the bundle for node:worker_threads, of which pino asks one thing. Loading it takes a twentieth of the start.
module.exports = { isMainThread: true };
