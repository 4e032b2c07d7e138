// Every path of the machine that the agent knows, in one place. `root` is '/' on a VM; the demo and the tests
// give each "VM" a folder of its own.
import { join } from 'node:path';

export type Paths = ReturnType<typeof pathsUnder>;

/** All host paths under `root` (absolute). */
export function pathsUnder(root: string) {
  const at = (path: string): string => join(root, path);
  return {
    root,
    /** What one-contextd leaves of the CONTEXT, newest stage first (facts: stage `network` is the last to run). */
    contextFiles: [
      at('/var/run/one-context/context.sh.network'),
      at('/var/run/one-context/context.sh.local'),
    ],
    /** There while one-contextd is at work. */
    oneContextLock: at('/var/run/one-context/one-context.lock'),
    /** Where the CONTEXT disc may be: udev's link by its label, or a drive. */
    contextDiscs: [at('/dev/disk/by-label/CONTEXT'), ...[0, 1, 2, 3].map((drive) => at(`/dev/sr${drive}`))],
    /** What a container has in place of a disc. */
    contextFolderFile: at('/context/context.sh'),
    oneEnv: at('/var/run/one-context/one_env'),
    /** What the image builder decided: role, baked Flower, user. */
    appliance: at('/etc/flower-context/appliance.json'),
    passwd: at('/etc/passwd'),

    /** The agent's own memory; survives reboots. */
    state: at('/var/lib/flower-context'),
    checkpoint: at('/var/lib/flower-context/checkpoint.json'),
    tls: at('/var/lib/flower-context/tls'),
    /** What could not be installed, and is not tried again at each boot. */
    failedInstallations: at('/var/lib/flower-context/failed-installations.json'),

    /** Flower's memory: database, node identity, FLWR_HOME, checkpoints of models. */
    flowerState: at('/var/lib/flower'),

    /** What the agent tells others on this VM; gone at reboot. */
    run: at('/run/flower-context'),
    status: at('/run/flower-context/status.json'),
    /** What the ready script decides by. */
    ready: at('/run/flower-context/ready.json'),
    plan: at('/run/flower-context/plan.json'),
    /** Listeners, dialled endpoint and TLS files of the Flower of this plan. */
    endpoints: at('/run/flower-context/flower.json'),
    nodeConfig: at('/run/flower-context/node-config.toml'),
    runConfig: at('/run/flower-context/run-config.toml'),
    /** FLWR_HOME of `flwr` where the operator uses it: the connection to this VM's SuperLink. Root's. */
    flwrHome: at('/run/flower-context/flwr'),
    /** Shown at login (pam_motd). */
    motd: at('/run/motd.d/flower-context'),
    /** Symbolic link to the virtual environment that the unit's launcher uses. */
    environment: at('/run/flower-context/env'),
    /** Written by the launcher inside Flower's process: is it serving, accepted, lost? */
    flowerRun: at('/run/flower'),
    flowerLink: at('/run/flower/link.json'),

    /** Virtual environments side by side: /opt/flower/envs/<version>-<framework>. */
    environments: at('/opt/flower/envs'),
    /** Builds such an environment (appliance/flower/make-env.sh, with the locked requirements beside it). */
    makeEnvironment: at('/usr/lib/flower-context/flower/make-env.sh'),
    launcher: at('/usr/lib/flower-context/flower-launch.py'),
    /** Apps of the package: `flower-context submit` finds them by name. */
    apps: at('/usr/share/flower-context/apps'),
    /** The site's own data, for ClientApps to read. */
    data: at('/opt/flower/data'),
  } as const;
}
