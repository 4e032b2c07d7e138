// Exit statuses: a contract with systemd units and scripts.

/** What a command's exit status says; the same for all of them. */
export const EXIT = { good: 0, failed: 1, badContext: 2, notReady: 3, usage: 64 } as const;

export const EXIT_MEANING: Record<number, string> = {
  [EXIT.good]: 'all is well',
  [EXIT.failed]: 'a step failed, or a problem was found',
  [EXIT.badContext]: 'the CONTEXT is wrong: nothing will change until it does',
  [EXIT.notReady]: 'not ready (yet)',
  [EXIT.usage]: 'the command was called wrongly',
};
