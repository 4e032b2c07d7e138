// What a VM needs to call OneGate, or what of it is missing.

export type Credentials = OneGateCredentials | MissingCredentials;

export interface OneGateCredentials {
  /** A URL, not checked yet. */
  readonly endpoint: string;
  readonly vmId: number;
  readonly token: string;
}

interface MissingCredentials {
  /**
   * TOKEN alone: without TOKEN=YES OpenNebula gives a VM nothing of this. token: one-context has left none although
   * TOKEN=YES is set. Empty: there is no CONTEXT.
   */
  readonly missing: readonly ('TOKEN' | 'ONEGATE_ENDPOINT' | 'VMID' | 'token')[];
  /** The same for a person: 'no VMID in the CONTEXT, no token in PATH'. */
  readonly why: string;
}

/**
 * The credentials in the CONTEXT and in the text of one_env (at `path`). ONEGATE_TOKEN of the CONTEXT is the token where
 * one_env has none.
 */
export function credentialsFrom(
  variables: Readonly<Record<string, string>>,
  oneEnv: string | undefined,
  path: string,
): Credentials {
  const given = (name: string): string | undefined =>
    (Object.hasOwn(variables, name) ? variables[name]!.trim() : '') || undefined;
  const endpoint = given('ONEGATE_ENDPOINT');
  const vmId = /^\d{1,10}$/.exec(given('VMID') ?? '')?.[0];
  const token = tokenFrom(oneEnv ?? '') ?? given('ONEGATE_TOKEN');
  if (endpoint !== undefined && vmId !== undefined && token !== undefined)
    return { endpoint, vmId: Number(vmId), token };
  if (given('TOKEN')?.toUpperCase() !== 'YES') return { missing: ['TOKEN'], why: 'TOKEN=YES is not set' };
  const found = { ONEGATE_ENDPOINT: endpoint, VMID: vmId, token };
  const missing = (['ONEGATE_ENDPOINT', 'VMID', 'token'] as const).filter((part) => !found[part]);
  const why = missing.map((part) => (part === 'token' ? `no token in ${path}` : `no ${part} in the CONTEXT`));
  return { missing, why: why.join(', ') };
}

const TOKEN_LINE = /^export TOKENTXT="([A-Za-z0-9+/=]+)"\r?$/;

/** Longer than any token: base64 of an encrypted "<vmid>:<time>" has 44 characters. */
const LONGEST_LINE = 4096;

/**
 * The token in one_env. one-context writes the values of the CONTEXT into that file without any escaping, so it is neither
 * sourced nor parsed: a pattern takes the token out of the first line, which is written before any value. Undefined when
 * there is none. @internal
 */
export function tokenFrom(oneEnv: string): string | undefined {
  const [first = ''] = oneEnv.split('\n', 1);
  return first.length > LONGEST_LINE ? undefined : TOKEN_LINE.exec(first)?.[1];
}
