// A change of the CONTEXT while one-context is at work at the one before. one-contextd reads the disc once, at its beginning,
// and systemd joins a request to start it with the current run. Two VMs that cannot become ready: a SuperNode that
// waits for its SuperLink, and one whose CONTEXT is wrong, so that its agent has ended.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patience } from '../support/load.ts';
import { Container } from '../support/nspawn/container.ts';
import { writeContextFolder } from '../support/vm/disc.ts';
import { rootOf } from '../support/vm/images.ts';
import { READY_SCRIPT } from '../support/vm/service.ts';
import type { Context } from '../support/zone/context.ts';

const BETWEEN_MS = 20_000;
const IN_FORCE_S = 60;

const CASES = [
  { name: 'waits', last: 61, wrong: {} },
  { name: 'wrong', last: 62, wrong: { FL_MAX_RETRIES: 'many' } },
] as const;

class Node {
  readonly guest: Container;
  #context: Context;
  #serial = 0;

  constructor({ name, last, wrong }: (typeof CASES)[number]) {
    const dir = `/run/fcvm/lost-change-${name}`;
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    this.#context = {
      ...READY_SCRIPT,
      NETWORK: 'YES',
      ETH0_MAC: `02:00:ac:10:64:${last.toString(16)}`,
      ETH0_IP: `172.16.100.${last}`,
      ETH0_MASK: '255.255.255.0',
      FL_TLS_ENABLED: 'NO',
      FL_SUPERLINK_ADDRESS: '172.16.100.99:9092',
      FL_NODE_CONFIG: 'site=0',
      ...wrong,
    };
    this.guest = new Container({
      name: `fcvm-lost-change-${name}`,
      dir,
      role: 'supernode',
      context: this.#context,
      image: rootOf('supernode'),
    });
  }

  /** `onevm updateconf`: the disc is another one, and udev's rule asks for a run; whether that comes is not its matter. */
  async change(): Promise<void> {
    this.#context = { ...this.#context, FL_NODE_CONFIG: `site=${++this.#serial}` };
    writeContextFolder(join(this.guest.spec.dir, 'context'), this.#context);
    await this.guest.sh('systemctl start --no-block one-context-reconfigure.service');
  }

  /** Two changes; returns when the agent has read the second. */
  async changedTwice(): Promise<void> {
    await this.change();
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    await this.change();
    const began = performance.now();
    await this.guest.until(
      `the CONTEXT with site=${this.#serial} to be read`,
      async () => this.#read().includes(`site=${this.#serial}`) && (await this.#known()),
      patience(IN_FORCE_S * 1_000) / 1_000,
    );
    console.log(
      `${this.guest.spec.name}: in force ${((performance.now() - began) / 1_000).toFixed(1)} s after it`,
    );
  }

  #read = (): string => {
    try {
      return readFileSync(this.guest.path('run/one-context/context.sh.network'), 'utf8');
    } catch {
      return '';
    }
  };

  async #known(): Promise<boolean> {
    const { stdout } = await this.guest.exec('sha256sum </run/one-context/context.sh.network');
    return this.guest.statusNow()?.facts['context'] === stdout.split(' ')[0];
  }

  /** one-context runs: its ready script has not ended. */
  atWork = (unit: string): Promise<unknown> =>
    this.guest.until(
      `${unit} to be at its ready script`,
      async () => (await this.guest.exec(`systemctl status ${unit} | grep net-99-report-ready`)).code === 0,
    );

  /** Nothing is at work, and nothing is going to be. */
  atRest = (): Promise<unknown> =>
    this.guest.until(
      'one-context to be at rest',
      async () =>
        (await this.guest.unit('one-context', 'ActiveState')).ActiveState === 'active' &&
        !(await this.guest.sh('systemctl list-jobs --no-legend')).includes('one-context'),
      patience(120_000) / 1_000,
    );
}

describe('two changes, 20 s apart, of a VM that cannot become ready', () => {
  let nodes: Node[] = [];
  beforeAll(async () => {
    nodes = CASES.map((one) => new Node(one));
    await Promise.all(nodes.map(({ guest }) => guest.powerOn()));
  });
  afterAll(() => Promise.all(nodes.map(({ guest }) => guest.powerCut())));

  test('during the boot: the second is in force within a minute', async () => {
    await Promise.all(nodes.map((node) => node.atWork('one-context')));
    await Promise.all(nodes.map((node) => node.changedTwice()));
  });

  test('during a reconfiguration: the second is in force within a minute', async () => {
    await Promise.all(nodes.map((node) => node.atRest()));
    await Promise.all(nodes.map((node) => node.changedTwice()));
  });

  test('afterwards no unit starts any more, and only the agent of the wrong CONTEXT has failed', async () => {
    // Of this package and of one-context: networking.service is Debian's, and fails when its interface is set up
    // by two at once.
    await Promise.all(nodes.map((node) => node.atRest()));
    const failed = await Promise.all(
      nodes.map(({ guest }) =>
        guest.sh(
          `systemctl list-units --failed --no-legend --plain 'flower*' 'one-context*' | cut -d" " -f1`,
        ),
      ),
    );
    expect(failed).toEqual(['', 'flower-context.service']);
    for (const { guest } of nodes) expect(await guest.sh('ls /run/one-context')).not.toMatch(/mount|lock/);
  });
});
