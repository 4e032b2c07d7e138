// What is seen while the demo runs: a live table on a terminal, plain lines anywhere else.
import type { WriteStream } from 'node:tty';
import type { Status } from '../../src/report/status.ts';

/** One node as the display sees it: asked again and again, so it may come and change. */
export interface Watched {
  readonly name: string;
  readonly status: () => Status | undefined;
}

const FRAME_MS = 100;
const BAR = 12;
const FINISHED = new Set(['done', 'kept', 'degraded', 'skipped']);

export class Display {
  private readonly out: WriteStream;
  private readonly live: boolean;
  private readonly began = performance.now();
  private readonly shown = new Map<string, string>();
  private nodes: () => readonly Watched[] = () => [];
  private foot = '';
  private height = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(out: WriteStream = process.stdout) {
    this.out = out;
    this.live = out.isTTY === true;
  }

  /** Seconds since the start, as every line shows them. */
  get clock(): string {
    return `${((performance.now() - this.began) / 1000).toFixed(1).padStart(6)} s`;
  }

  watch(nodes: () => readonly Watched[]): void {
    this.nodes = nodes;
    this.timer = setInterval(() => this.look(), FRAME_MS);
  }

  /** A line that stays. */
  say(text: string): void {
    this.clear();
    this.out.write(`${this.clock}  ${text}\n`);
    this.draw();
  }

  /** A line that the next one replaces; plain output keeps it. */
  now(text: string): void {
    if (this.live) this.foot = text;
    else this.say(text);
  }

  /** Looks a last time and leaves the table as it is. */
  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.foot = '';
    this.look();
    this.height = 0;
  }

  private look(): void {
    if (this.live) {
      this.clear();
      this.draw();
    } else {
      for (const node of this.nodes()) this.tell(node);
    }
  }

  /** Plain: a line for every step that has ended and every wait that began since last time. */
  private tell({ name, status }: Watched): void {
    const seen = status();
    if (seen === undefined) return;
    for (const step of seen.steps) {
      const news =
        FINISHED.has(step.state) || step.state === 'failed'
          ? `${step.title}: ${step.state}${took(step)}${note(step)}`
          : undefined;
      this.once(`${name} ${step.id}`, name, news);
    }
    this.once(`${name} wait`, name, seen.waiting === null ? undefined : `waits for ${seen.waiting.for}`);
    this.once(`${name} phase`, name, seen.phase === 'booting' ? undefined : seen.phase);
  }

  private once(key: string, name: string, news: string | undefined): void {
    if (news === undefined || this.shown.get(key) === news) return;
    this.shown.set(key, news);
    this.out.write(`${this.clock}  ${name.padEnd(12)} ${news}\n`);
  }

  private draw(): void {
    if (!this.live || this.timer === undefined) return;
    const width = this.out.columns || 80;
    const rows = [...this.nodes().map((node) => row(node)), ...(this.foot === '' ? [] : [`  ${this.foot}`])];
    this.out.write(rows.map((text) => `${text.slice(0, width - 1)}\n`).join(''));
    this.height = rows.length;
  }

  private clear(): void {
    if (this.height > 0) this.out.write(`\u001b[${this.height}A\u001b[J`);
    this.height = 0;
  }
}

const took = ({ ms }: { ms: number | null }): string =>
  ms === null ? '' : ` in ${ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`}`;
const note = (step: { note: string | null }): string => (step.note === null ? '' : ` - ${step.note}`);

function row({ name, status }: Watched): string {
  const seen = status();
  if (seen === undefined || seen.steps.length === 0)
    return `  ${name.padEnd(12)} ${'.'.repeat(BAR)}  powered on`;
  const done = seen.steps.filter((step) => FINISHED.has(step.state)).length;
  const filled = Math.round((done / seen.steps.length) * BAR);
  const running = seen.steps.find((step) => step.state === 'running');
  const doing =
    seen.phase === 'booting'
      ? seen.waiting
        ? `waits for ${seen.waiting.for}`
        : (running?.title ?? '')
      : seen.phase;
  return `  ${name.padEnd(12)} ${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}  ${done}/${seen.steps.length} ${doing}`;
}
