import type { Guest } from './guest.ts';

/**
 * Flower gives a task 30 s to start and then to say that it lives. Emulated, its processes are longer at importing Python
 * than that, and it would start them again without end. So this wait is stretched like every other one is here.
 */
export async function stretchLeases(guests: readonly Guest[], factor: number): Promise<void> {
  const stretch = (guest: Guest): Promise<string> =>
    guest.sh(
      `cd /opt/flower/baked/lib/python3*/site-packages/flwr/common &&
       sed -i 's/^HEARTBEAT_DEFAULT_INTERVAL = 30$/HEARTBEAT_DEFAULT_INTERVAL = ${30 * factor}/' constant.py &&
       /opt/flower/baked/bin/python -m compileall -q -f constant.py &&
       grep -q '^HEARTBEAT_DEFAULT_INTERVAL = ${30 * factor}$' constant.py &&
       systemctl restart flower-${guest.spec.role}`,
      { timeoutMs: 120_000 },
    );
  const superlinks = guests.filter(({ spec }) => spec.role === 'superlink');
  await Promise.all(superlinks.map(stretch));
  await Promise.all(guests.filter((guest) => !superlinks.includes(guest)).map(stretch));
}
