// The OneGate token out of one_env. That file holds context values without any escaping, so it is neither sourced nor
// parsed: of its first line, which one-context writes before any value, the token is taken by pattern.

const TOKEN_LINE = /^export TOKENTXT="([A-Za-z0-9+/=]+)"\r?$/;

/** Longer than any token: base64 of an encrypted "<vmid>:<time>" has 44 characters. */
const LONGEST_LINE = 4096;

/** Undefined when the VM has no token (no TOKEN=YES). */
export function tokenFrom(oneEnv: string): string | undefined {
  const end = oneEnv.indexOf('\n');
  const first = end === -1 ? oneEnv : oneEnv.slice(0, end);
  return first.length > LONGEST_LINE ? undefined : TOKEN_LINE.exec(first)?.[1];
}
