// Every path of the machine that the agent uses. `root` is '/' on a VM; in the demo and in tests each "VM" has a folder.
import { join } from 'node:path';

export type Paths = ReturnType<typeof pathsUnder>;

/** All host paths under `root` (absolute). */
export function pathsUnder(root: string) {
  const at = (path: string): string => join(root, path);
  return {
    root,
    /** The CONTEXT as one-contextd writes it, last stage first: docs/facts.md, "one-context-stages". */
    contextFiles: [
      at('/var/run/one-context/context.sh.network'),
      at('/var/run/one-context/context.sh.local'),
    ],
    /** Exists while one-contextd runs. */
    oneContextLock: at('/var/run/one-context/one-context.lock'),
    /** The CONTEXT disc: udev's link by its label, or a drive. */
    contextDiscs: [at('/dev/disk/by-label/CONTEXT'), ...[0, 1, 2, 3].map((drive) => at(`/dev/sr${drive}`))],
    /** A container has this folder instead of a disc. */
    contextFolderFile: at('/context/context.sh'),
    oneEnv: at('/var/run/one-context/one_env'),
    /** Role, Flower version and user of the image. */
    appliance: at('/etc/flower-context/appliance.json'),
    passwd: at('/etc/passwd'),

    /** State of the agent; survives reboots. */
    state: at('/var/lib/flower-context'),
    checkpoint: at('/var/lib/flower-context/checkpoint.json'),
    tls: at('/var/lib/flower-context/tls'),
    /** What a SuperNode trusted last (boot/trust-file.ts). */
    trust: at('/var/lib/flower-context/trust.json'),
    /** Installations that failed. A boot does not repeat them. */
    failedInstallations: at('/var/lib/flower-context/failed-installations.json'),

    /** State of Flower: database, node identity, FLWR_HOME, checkpoints of models. */
    flowerState: at('/var/lib/flower'),

    /** What the agent publishes on this VM; removed at reboot. */
    run: at('/run/flower-context'),
    /** Locked by the agent that runs. */
    lock: at('/run/flower-context/lock'),
    status: at('/run/flower-context/status.json'),
    /** What the ready script decides by. */
    ready: at('/run/flower-context/ready.json'),
    /** Ends of Flower that the agent has counted (agent/ends.ts). */
    ends: at('/run/flower-context/ends.json'),
    /** How far the time of day was from the time since the start of the system (boot/clock.ts). */
    clock: at('/run/flower-context/clock.json'),
    plan: at('/run/flower-context/plan.json'),
    /** Listeners, endpoint and TLS files of Flower (flower/endpoints.ts). */
    endpoints: at('/run/flower-context/flower.json'),
    /** What the Flower that runs was started with (boot/in-force.ts). */
    inForce: at('/run/flower-context/in-force.json'),
    /** Exists from `flower-context apply --now` until the agent has taken the request. */
    applyNow: at('/run/flower-context/apply-now'),
    /** Which Flower last opened the database: the launcher keeps a copy for that one (flower_launch/database.py). */
    databaseVersion: at('/run/flower-context/database.json'),
    nodeConfig: at('/run/flower-context/node-config.toml'),
    runConfig: at('/run/flower-context/run-config.toml'),
    /** FL_ISOLATION=process: what SuperExec may see of the folder above. */
    superexec: at('/run/flower-context/superexec'),
    /** What SuperExec and Flower know and nobody else: random bytes, made at each boot of the VM. */
    superexecSecret: at('/run/flower-context/superexec-secret'),
    /** State of the user flower-app: unpacked apps, checkpoints of models. */
    superexecState: at('/var/lib/flower-app'),
    /** FLWR_HOME of `flower-context submit`: the connection to this SuperLink. Owned by root. */
    flwrHome: at('/run/flower-context/flwr'),
    /** Shown at login (pam_motd). */
    motd: at('/run/motd.d/flower-context'),
    /** Symbolic link to the virtual environment that the unit's launcher uses. */
    environment: at('/run/flower-context/env'),
    /** Opened by systemd and written by the launcher, inside Flower's process (flower/state-file.ts). */
    flowerLink: at('/run/flower-context/link.json'),

    /** Of the slice of Flower and its apps: the kernel counts what it kills for memory (docs/facts.md, "oom-kill"). */
    memoryEvents: at('/sys/fs/cgroup/flower.slice/memory.events'),

    /** Virtual environments side by side: /opt/flower/envs/<version>-<framework>. */
    environments: at('/opt/flower/envs'),
    /** Builds such an environment; the locked requirements are in the same folder (appliance/flower). */
    makeEnvironment: at('/usr/lib/flower-context/flower/make-env.sh'),
    launcher: at('/usr/lib/flower-context/flower-launch.py'),
    /** Saves and loads Flower's part of a backup, as Flower's user. */
    backup: at('/usr/lib/flower-context/flower-backup.py'),
    /** Apps that `flower-context submit` finds by name. */
    apps: at('/usr/share/flower-context/apps'),
    /** Data of the site, which ClientApps read. */
    data: at('/opt/flower/data'),
  } as const;
}
