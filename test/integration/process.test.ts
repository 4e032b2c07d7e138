// The start of other programs, with real ones.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/host/process.ts';
import { until } from '../support/zone/process.ts';

const sh = (script: string, options: Parameters<typeof run>[2] = {}) => run('sh', ['-c', script], options);

/** Whether a process is there and not just waiting to be collected. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a program that is run', () => {
  it('gives its status, what it wrote and each line as it came', async () => {
    const lines: string[] = [];
    const result = await sh('echo out; echo err >&2; printf last; exit 3', {
      onLine: (line, stream) => lines.push(`${stream}: ${line}`),
    });
    expect(result).toMatchObject({
      code: 3,
      signal: null,
      stdout: 'out\nlast',
      stderr: 'err\n',
      timedOut: false,
    });
    expect(lines.sort()).toEqual(['stderr: err', 'stdout: last', 'stdout: out']);
  });

  it('gets its arguments as they are: there is no shell', async () => {
    const { stdout } = await run('printf', ['%s', '$(id) `id` ; "\' \n']);
    expect(stdout).toBe('$(id) `id` ; "\' \n');
  });

  it('has an empty standard input and only the environment it was given', async () => {
    expect((await sh('cat; echo end')).stdout).toBe('end\n');
    const { stdout } = await run('/usr/bin/env', [], { env: { ONLY: 'this' } });
    expect(stdout).toBe('ONLY=this\n');
  });

  it('that is not there is a result, not an exception', async () => {
    expect(await run('no-such-program-here', [])).toMatchObject({ code: null, failedToStart: 'ENOENT' });
  });

  it('is ended when its time is up, with everything it started, even what ignores the polite signal', async () => {
    const result = await sh('(trap "" TERM; echo $$; exec sleep 60) & trap "" TERM; echo $!; wait', {
      timeoutMs: 300,
      graceMs: 300,
    });
    expect(result).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
    for (const pid of result.stdout.split('\n').filter(Boolean).map(Number)) {
      await until(`process ${pid} to be gone`, () => !alive(pid));
    }
  });

  it('is ended when the caller has lost interest', async () => {
    const caller = new AbortController();
    const running = sh('sleep 60', { signal: caller.signal });
    caller.abort();
    expect(await running).toMatchObject({ signal: 'SIGTERM', timedOut: false });
  });

  it('does not hold us when it left a child with the output behind', async () => {
    const { code, stdout } = await sh('sleep 90 & echo $!', { graceMs: 200 });
    const child = Number(stdout);
    const outlives = alive(child);
    process.kill(child);
    expect([code, outlives]).toEqual([0, true]);
  });

  it('has only the end of a flood kept', async () => {
    const { stdout } = await sh('seq 1 200000', { maxBytes: 14 });
    expect(stdout).toBe('199999\n200000\n');
  });
});
