// Whether Flower can listen where its plan says, asked before anything is stopped for it.
import { formatHostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { type FlowerEndpoints, listenersOf } from '../flower/endpoints.ts';
import { tryListen } from '../host/net.ts';
import type { PreparedPlan } from './step.ts';

/**
 * Flower's log hardly mentions a taken port; a SuperNode's log never does. Undefined: all ports are free. `running`: what the
 * Flower listens on that is about to be stopped; its ports become free then.
 */
export async function takenPort(
  { endpoints }: Pick<PreparedPlan, 'endpoints'>,
  running?: FlowerEndpoints,
): Promise<Problem | undefined> {
  const own = new Set(running === undefined ? [] : listenersOf(running).map(({ port }) => port));
  const wanted = listenersOf(endpoints).filter(({ port }) => !own.has(port));
  const results = await Promise.all(wanted.map(({ host, port }) => tryListen(host, port)));
  for (const [index, why] of results.entries()) {
    if (why === undefined) continue;
    const address = wanted[index]!;
    const taken = why === 'EADDRINUSE';
    return new Problem('port_in_use', {
      doing: `checking that Flower can listen on ${formatHostPort(address)}`,
      found: taken ? 'another program listens there' : `it cannot be listened on (${why})`,
      remedy: taken
        ? `find the program with \`ss -ltnp 'sport = :${address.port}'\` and stop it, or choose another port`
        : 'choose an address that this VM has, or 0.0.0.0',
    });
  }
  return undefined;
}
