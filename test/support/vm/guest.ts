// A machine that boots the appliance, container or VM: what tests do with either.
import type { Status } from '../../../src/report/status.ts';
import type { Context } from '../zone/context.ts';
import { type Outcome, until } from '../zone/process.ts';

export interface GuestSpec {
  readonly name: string;
  /** Folder for what belongs to this guest: disk, disc, logs. */
  readonly dir: string;
  readonly role: 'superlink' | 'supernode';
  /** All variables of its CONTEXT, as oned would write them. */
  readonly context: Context;
  /** token.txt; undefined: a VM without TOKEN=YES. */
  readonly token?: string | undefined;
}

export interface ExecOptions {
  readonly stdin?: Buffer | string;
  readonly timeoutMs?: number;
}

export abstract class Guest {
  readonly spec: GuestSpec;
  protected context: Context;
  /** How much slower than a container: deadlines are stretched by it. */
  abstract readonly slowness: number;

  constructor(spec: GuestSpec) {
    this.spec = spec;
    this.context = spec.context;
  }

  /** Switches it on; returns when commands can be run in it. */
  abstract powerOn(): Promise<void>;
  /** Cuts the power: no process gets a signal, no buffer is flushed. */
  abstract powerCut(): Promise<void>;
  /** Shuts down in good order. */
  abstract shutdown(): Promise<void>;
  /** Runs a shell script in it, as root. */
  abstract exec(script: string, options?: ExecOptions): Promise<Outcome>;
  /** The guest sees a changed CONTEXT, as after `onevm updateconf`. */
  protected abstract insertContext(): Promise<void>;

  async recontextualize(changes: Context): Promise<void> {
    // A change that comes while one-context is still at the one before is lost: systemd joins the two jobs.
    await this.until(
      'one-context to be at rest',
      async () => (await this.unit('one-context-reconfigure', 'ActiveState')).ActiveState !== 'activating',
    );
    this.context = { ...this.context, ...changes };
    await this.insertContext();
  }

  /** Like {@link exec}, but throws when the command fails. @returns its output */
  async sh(script: string, options?: ExecOptions): Promise<string> {
    const { code, stdout, stderr } = await this.exec(script, options);
    if (code !== 0) throw new Error(`${this.spec.name}: '${script}' ended with ${code}: ${stderr}${stdout}`);
    return stdout.trimEnd();
  }

  /** The agent's own view; undefined before it has one. */
  async status(): Promise<Status | undefined> {
    const { code, stdout } = await this.exec('cat /run/flower-context/status.json');
    return code === 0 ? (JSON.parse(stdout) as Status) : undefined;
  }

  /** Waits for the agent's status; `seconds` are those of a container. */
  waitFor(what: string, wanted: (status: Status) => unknown, seconds = 60): Promise<Status> {
    const look = async (): Promise<Status | undefined> => {
      const status = await this.status();
      return status !== undefined && wanted(status) ? status : undefined;
    };
    return this.until(what, look, seconds);
  }

  whenReady = (seconds?: number): Promise<Status> =>
    this.waitFor('the boot to be ready', ({ phase }) => phase === 'ready', seconds);
  whenFailed = (seconds?: number): Promise<Status> =>
    this.waitFor('the boot to fail', ({ phase }) => phase === 'failed', seconds);

  /** Waits until `look` gives something; an error contains the diagnostics of this guest. */
  async until<T>(what: string, look: () => Promise<T | undefined | false>, seconds = 60): Promise<T> {
    const options = { timeoutMs: seconds * 1_000 * this.slowness, everyMs: 100 * this.slowness };
    try {
      return await until(`${this.spec.name}: ${what}`, look, options);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${await this.diagnostics()}`);
    }
  }

  /** What a unit has written since this boot (or since boot `offset`, e.g. -1), oldest first. */
  async journal(unit = 'flower-context', { boot = '0', format = 'cat' } = {}): Promise<string> {
    return this.sh(`journalctl -b ${boot} -u ${unit} -o ${format} --no-pager`);
  }

  /** Properties of a unit, as `systemctl show` gives them. */
  async unit(name: string, ...properties: string[]): Promise<Record<string, string>> {
    const wanted = properties.length > 0 ? `-p ${properties.join(',')}` : '';
    const lines = (await this.sh(`systemctl show ${name} ${wanted}`)).split('\n');
    return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
  }

  /** For the message of a test that failed. */
  async diagnostics(): Promise<string> {
    const tell = `flower-context status; journalctl -b --no-pager -n 80 -o short-monotonic -u 'flower-*' -u 'one-context*'; systemctl --failed --no-pager`;
    const { stdout, stderr } = await this.exec(tell, { timeoutMs: 60_000 }).catch((error: Error) => ({
      stdout: '',
      stderr: error.message,
    }));
    return `--- ${this.spec.name}\n${stdout}${stderr}`;
  }
}
