import { run } from './process.ts';

/** True when the NVIDIA driver lists a GPU, else a clause that says what was found. */
export async function hasGpu(): Promise<true | string> {
  const { code, stdout, failedToStart } = await run('nvidia-smi', ['-L'], { timeoutMs: 10_000 });
  if (failedToStart !== undefined) return 'nvidia-smi is not installed: this image has no driver';
  if (code !== 0) return `nvidia-smi ended with status ${code}: the driver does not see a GPU`;
  return /^GPU \d+:/m.test(stdout) ? true : 'nvidia-smi lists no GPU';
}
