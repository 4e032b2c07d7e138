import type { RetryPolicy } from '../onegate/client.ts';

/** For what is good to say but not worth holding a boot up for: a dead OneGate costs a second or two, a hanging one 10 s. */
export const BRIEF: RetryPolicy = { tries: 2, tryTimeoutMs: 5_000, firstWaitMs: 1_000, maxWaitMs: 2_000 };
