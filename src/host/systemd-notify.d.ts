declare module 'systemd-notify' {
  /** Spawns the program `systemd-notify`; rejects with its text when it fails. */
  export default function notify(options: {
    ready?: boolean;
    status?: string;
    pid?: number;
  }): Promise<unknown>;
}
