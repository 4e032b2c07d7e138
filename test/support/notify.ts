// A notification socket as systemd's, for tests. Node has no datagram sockets with a path, so Python listens.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { until } from './zone/process.ts';

export interface NotifySocket {
  /** For NOTIFY_SOCKET. */
  readonly address: string;
  /** Everything received, one entry per datagram; its lines are joined by `|`. */
  readonly messages: () => string[];
  /** Waits for a datagram. */
  readonly until: (wanted: (message: string) => boolean) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Listens at a path, or at an abstract name that begins with `@`. */
export async function listenForNotify(address: string): Promise<NotifySocket> {
  const child = spawn(
    process.env.PYTHON ?? 'python3',
    [join(import.meta.dirname, 'notify-socket.py'), address],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await until('the notification socket', () => text.startsWith('listening'));
  const messages = () => text.split('\n').slice(1).filter(Boolean);
  return {
    address,
    messages,
    until: (wanted) =>
      // The launcher asks for more time every 20 s.
      until('a notification', () => messages().find(wanted), {
        timeoutMs: 40_000,
        detail: () => messages().join('\n'),
      }),
    close: async () => {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}
