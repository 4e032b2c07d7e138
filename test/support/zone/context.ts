// The files of a VM's CONTEXT, written exactly as OpenNebula and one-context write them, faults included.

export { renderContextSh } from '../context-sh.ts';

export type Context = Readonly<Record<string, string>>;

const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** one_env as loc-16-gen-env writes it: the token first, then every variable between double quotes, unescaped. */
export function renderOneEnv(context: Context, token: string): string {
  const own = {
    TOKENTXT: token,
    VMID: context.VMID ?? '',
    ONEGATE_ENDPOINT: context.ONEGATE_ENDPOINT ?? '',
  };
  const all = [
    ...Object.entries(own),
    ...Object.entries(context).sort(([one], [other]) => byBytes(one, other)),
  ];
  return all.map(([name, value]) => `export ${name}="${value}"\n`).join('');
}
