// The start of other programs, with real ones.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/host/process.ts';
import { until } from '../support/zone/process.ts';

const sh = (script: string, options: Parameters<typeof run>[2] = {}) => run('sh', ['-c', script], options);

/** Whether a process exists and is no zombie. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a program that is run', () => {
  it('returns its status, its output and each line at its time', async () => {
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

  it('gets its arguments unchanged, without a shell', async () => {
    const { stdout } = await run('printf', ['%s', '$(id) `id` ; "\' \n']);
    expect(stdout).toBe('$(id) `id` ; "\' \n');
  });

  it('has an empty standard input and only the environment it was given', async () => {
    expect((await sh('cat; echo end')).stdout).toBe('end\n');
    const { stdout } = await run('/usr/bin/env', [], { env: { ONLY: 'this' } });
    expect(stdout).toBe('ONLY=this\n');
  });

  it('that does not exist gives a result, not an exception', async () => {
    expect(await run('no-such-program-here', [])).toMatchObject({ code: null, failedToStart: 'ENOENT' });
  });

  it('is killed at its deadline with all its children, also those that ignore SIGTERM', async () => {
    const result = await sh('(trap "" TERM; echo $$; exec sleep 60) & trap "" TERM; echo $!; wait', {
      timeoutMs: 300,
      graceMs: 300,
    });
    expect(result).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
    for (const pid of result.stdout.split('\n').filter(Boolean).map(Number)) {
      await until(`process ${pid} to be gone`, () => !alive(pid));
    }
  });

  it('is killed when the caller aborts', async () => {
    const caller = new AbortController();
    const running = sh('sleep 60', { signal: caller.signal });
    caller.abort();
    expect(await running).toMatchObject({ signal: 'SIGTERM', timedOut: false });
  });

  it('does not delay the caller when a child keeps its output open', async () => {
    const { code, stdout } = await sh('sleep 90 & echo $!', { graceMs: 200 });
    const child = Number(stdout);
    const outlives = alive(child);
    process.kill(child);
    expect([code, outlives]).toEqual([0, true]);
  });

  it('keeps only the end of a long output', async () => {
    const { stdout } = await sh('seq 1 200000', { maxBytes: 14 });
    expect(stdout).toBe('199999\n200000\n');
  });
});
