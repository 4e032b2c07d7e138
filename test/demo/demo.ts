// `make demo`: a federation comes up as it would in an OpenNebula zone, and real Flower trains on it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { Federation } from '../support/zone/federation.ts';
import { train } from '../support/zone/training.ts';
import type { Vm } from '../support/zone/vm.ts';
import { Display, type Watched } from './display.ts';
import { report } from './report.ts';

const KEEP = !['', '0', 'no', undefined].includes(process.env.KEEP);
const NET = process.env.DEMO_NET ?? '127.10';
const SUPERNODES = 2;
const UP_WITHIN_MS = 120_000;

const dir = mkdtempSync(join(tmpdir(), 'flower-demo-'));
const display = new Display();
const interrupted = new AbortController();
/** `make demo FLOWER=...` installs another one than that of the images. */
const version = process.env.FLOWER || BAKED_FLOWER;
const federation = new Federation({ dir, net: NET, supernodes: SUPERNODES, flower: { version } });

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => interrupted.abort(signal));

// Whoever read our output is gone (a closed terminal, a pipe): the same as Ctrl-C.
process.stdout.on('error', () => interrupted.abort('EPIPE'));

const nameOf = (vm: Vm): string => vm.root.slice(dir.length + 1);
const watched = (): Watched[] =>
  federation.vms.map((vm) => ({ name: nameOf(vm), status: () => vm.status() }));

async function demo(): Promise<number> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  display.say(
    `OpenNebula zone in ${dir}: OneFlow deploys 1 SuperLink, then ${SUPERNODES} SuperNodes when it is READY`,
  );
  display.watch(watched);
  await federation.up(UP_WITHIN_MS);
  const secondsUntilUp = seconds();
  display.say(`every node is ready; \`flwr run\` with the run config that the agent wrote`);
  const training = await train(federation.superlink, {
    dir: join(dir, 'operator'),
    signal: interrupted.signal,
    onLine: (line) => display.now(`flwr: ${line}`),
  });
  display.stop();
  const nodes = federation.vms.map((vm) => ({
    name: nameOf(vm),
    address: federation.seenBy(vm).ip ?? '-',
    status: vm.status()!,
    link: vm.flowerLink(),
  }));
  process.stdout.write(report({ nodes, training, secondsUntilUp, seconds: seconds() }));
  return verdict(training);
}

function verdict(training: Awaited<ReturnType<typeof train>>): number {
  const wanted = 3;
  const whole = training.rounds.filter(({ results, failures }) => results === SUPERNODES && failures === 0);
  if (training.code === 0 && whole.length === wanted) return 0;
  process.stdout.write(
    `FAILED: flwr ended with ${training.code}; ${whole.length} of ${wanted} rounds with both nodes. What it said:\n${training.output}\n`,
  );
  return 1;
}

function howToLook(): string {
  const vm = federation.superlink;
  return [
    'Left up (KEEP=1):',
    ...federation.vms.map((one) => `  ${one.at('usr/bin/flower-context')} status`),
    `  ${vm.at('usr/bin/journalctl')} -u flower-context        (systemctl beside it)`,
    `  ls ${vm.at('var/lib/flower-context/tls')} ${vm.at('run/flower-context')}`,
    `  FLWR_HOME=${join(dir, 'operator/flwr-home')} ${vm.at('run/flower-context/env/bin/flwr')} list zone`,
    'Ctrl-C ends it all.',
    '',
  ].join('\n');
}

/** Resolves when the person has had enough. */
const interruption = new Promise<never>((_resolve, reject) => {
  interrupted.signal.addEventListener('abort', () => reject(new Error('interrupted')));
});
interruption.catch(() => undefined);

let code = 1;
try {
  code = await Promise.race([demo(), interruption]);
  if (KEEP) {
    process.stdout.write(howToLook());
    await interruption;
  }
} catch (error) {
  display.stop();
  if (!interrupted.signal.aborted) process.stdout.write(`FAILED: ${(error as Error).message}\n`);
  else if (!KEEP) code = 130;
} finally {
  await federation.stop();
  rmSync(dir, { recursive: true, force: true });
}
process.exit(code);
