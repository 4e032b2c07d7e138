// The problems of a Flower that has served: a part of the catalogue.
import type { Entry } from './catalogue-entry.ts';

export const SUPERVISION = {
  flower_hung: {
    title: 'Flower hung: its process ran and made no progress',
    severity: 'degraded',
    about:
      'Flower answered no call, or a SuperNode made none, for more than half a minute. Causes are a deadlock, code that never releases the interpreter, or a signal that stopped the process.',
    found:
      'The agent calls the Fleet API of a SuperLink once a minute. The launcher reports the calls of a SuperNode and notifies the watchdog of systemd.',
    agent:
      'READY and FL_READY (FL_NODE_READY) become NO. systemd or the agent restarts Flower, and the VM is ready again. FL_ERROR has the code for ten minutes after that.',
    remedy:
      "nothing, if it happens once: Flower was restarted. If it happens again, read Flower's log and check processor and memory of the VM",
    where: ["journalctl -u 'flower-super*'", 'flower-context status', 'top'],
  },
  flower_crash_loop: {
    title: 'Flower ends again and again',
    about:
      "Flower or SuperExec has ended three times within ten minutes, and nobody had asked for that. The problem contains systemd's Result, the status and the last lines.",
    found:
      'The agent reads the restarts that systemd counts. A stop or a restart on request does not count, and neither does a SuperNode that ends because the SuperLink refuses it.',
    agent:
      'READY and FL_READY (FL_NODE_READY) become NO. systemd starts Flower again after each end. The VM is ready again when Flower has run for three minutes without an end.',
    remedy: "read Flower's last lines above; `journalctl -u 'flower-super*'` has all of them",
    where: ["journalctl -u 'flower-super*'", 'systemctl status flower-superlink flower-supernode', 'free -m'],
  },
  flower_out_of_memory: {
    title: 'the kernel ended Flower because memory was used up',
    severity: 'degraded',
    about:
      'Flower and the apps of runs together have used the memory of the VM, or the limit of flower.slice.',
    found:
      "systemd's Result is oom-kill, or the kernel counts a killed process in flower.slice when Flower ends.",
    agent:
      'READY and FL_READY (FL_NODE_READY) become NO. systemd restarts Flower, and the VM is ready again. FL_ERROR has the code for ten minutes after that.',
    remedy: 'give the VM more memory, or run apps that need less',
    where: ['dmesg | grep -i oom', 'free -m', 'systemctl status flower.slice'],
  },
  app_out_of_memory: {
    title: 'the kernel ended an app because memory was used up',
    severity: 'warning',
    about: 'A process in flower.slice was killed, and Flower continues. The run of the app probably fails.',
    found: 'The kernel counts the killed processes of flower.slice (memory.events).',
    agent: 'The VM still serves. Status and journal report the problem for ten minutes.',
    remedy: 'give the VM more memory, or run apps that need less',
    where: ['dmesg | grep -i oom', 'free -m', "journalctl -u 'flower-super*'"],
  },
} as const satisfies Record<string, Entry>;
