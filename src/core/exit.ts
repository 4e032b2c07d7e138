// Exit statuses: a contract with systemd units and scripts.

/** What a command's exit status says; the same for all of them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  badContext: 2,
  notReady: 3,
  noResult: 4,
  timedOut: 5,
  usage: 64,
} as const;

export const EXIT_MEANING: Record<number, string> = {
  [EXIT.ok]: 'success',
  [EXIT.failed]: 'a step failed, or a problem was found',
  [EXIT.badContext]: 'invalid CONTEXT; not retried until it changes',
  [EXIT.notReady]: 'not ready: not yet, or the agent or Flower does not work at this moment',
  [EXIT.noResult]: 'the run was completed, but no SuperNode returned a result',
  [EXIT.timedOut]: '`submit --timeout` stopped the run',
  [EXIT.usage]: 'usage error',
};
