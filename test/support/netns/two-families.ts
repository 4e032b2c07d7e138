// Two machines on one link, each a network namespace: `dual` has IPv4 and IPv6, `only6` has IPv6 alone.
import { run } from '../../../src/host/process.ts';

export const DUAL = { v4: '192.0.2.10', v6: '2001:db8:235::10' } as const;
const ONLY6 = '2001:db8:235::20';

export interface TwoFamilies {
  /** Words before a program, to run it there. */
  readonly dual: readonly string[];
  readonly only6: readonly string[];
  remove(): Promise<void>;
}

let serial = 0;

/** Throws when namespaces cannot be used (silent-path.ts says why not). */
export async function makeTwoFamilies(): Promise<TwoFamilies> {
  const tag = `fc6-${process.pid}-${serial++}`;
  const [dual, only6] = [`${tag}-d`, `${tag}-6`];
  const remove = async (): Promise<void> => {
    for (const name of [dual, only6]) await run('ip', ['netns', 'delete', name]);
  };
  const ip = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await run('ip', args);
    if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
  };
  try {
    for (const name of [dual, only6]) {
      await ip('netns', 'add', name);
      await ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    await ip('-n', dual, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', only6);
    await ip('-n', dual, 'address', 'add', `${DUAL.v4}/24`, 'dev', 'eth0');
    // Without the check for duplicates, during which the address cannot be used.
    await ip('-n', dual, 'address', 'add', `${DUAL.v6}/64`, 'dev', 'eth0', 'nodad');
    await ip('-n', only6, 'address', 'add', `${ONLY6}/64`, 'dev', 'eth0', 'nodad');
    for (const name of [dual, only6]) await ip('-n', name, 'link', 'set', 'eth0', 'up');
  } catch (error) {
    await remove();
    throw error;
  }
  const prefix = (name: string): string[] => ['ip', 'netns', 'exec', name];
  return { dual: prefix(dual), only6: prefix(only6), remove };
}
